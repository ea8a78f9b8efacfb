-- Writes receipts of a fabric's records, and how their delivery is. Answers ok, or fenced when another bridge has taken
-- the delivery over since.
--
-- KEYS 1 receipts, 2 delivery
-- ARGV 1 fence, 2 delivery, empty to leave it as it is, 3 how far a fence may be ahead of the clock in microseconds, 4 number of receipts that go,
--      then their fields, then fields and receipts in pairs. A stored fence that is further ahead was never given.

local time, highest = redis.call('TIME'), tonumber(redis.call('HGET', KEYS[2], 'fence'))
local held = highest and highest <= time[1] * 1000000 + time[2] + ARGV[3]
if held and tonumber(ARGV[1]) < highest then return 'fenced' end
redis.call('HSET', KEYS[2], 'fence', ARGV[1])
redis.call('PERSIST', KEYS[2])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'delivery', ARGV[2]) end
local gone = tonumber(ARGV[4])
for i = 5, 4 + gone do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = 5 + gone, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 'ok'
