-- Writes receipts of a fabric's records, and how their delivery is. Answers how many receipts there are then; or fenced
-- when another bridge has taken the delivery over since, or lost when what is there is not what was written before. The
-- same call again is the repetition of one whose reply was lost, and gets the same answer.
--
-- KEYS 1 receipts, 2 delivery
-- ARGV 1 fence, 2 how far a fence may be ahead of the clock in microseconds: a stored one that is further ahead was
--      never given, 3 the revision that was written before, 0 for none, 4 how many receipts there were then, -1 to
--      begin anew, 5 delivery, empty to leave it as it is, 6 its revision, 7 name of this call, 8 number of receipts
--      that go, then their fields, then fields and receipts in pairs

local was = redis.call('HMGET', KEYS[2], 'call', 'answer')
if was[1] == ARGV[7] then return tonumber(was[2]) end
local time, highest = redis.call('TIME'), tonumber(redis.call('HGET', KEYS[2], 'fence'))
local held = highest and highest <= time[1] * 1000000 + time[2] + ARGV[2]
if held and tonumber(ARGV[1]) < highest then return 'fenced' end
local revision, number = redis.call('HGET', KEYS[2], 'revision') or '0', redis.call('HLEN', KEYS[1])
if ARGV[4] == '-1' then
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', KEYS[2], 'delivery', 'revision')
elseif revision ~= ARGV[3] or number ~= tonumber(ARGV[4]) then
  return 'lost'
end
redis.call('HSET', KEYS[2], 'fence', ARGV[1])
redis.call('PERSIST', KEYS[2])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'delivery', ARGV[5], 'revision', ARGV[6]) end
local gone = tonumber(ARGV[8])
for i = 9, 8 + gone do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = 9 + gone, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
local answer = redis.call('HLEN', KEYS[1])
redis.call('HSET', KEYS[2], 'call', ARGV[7], 'answer', answer)
return answer
