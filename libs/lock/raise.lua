-- Gives the owner a number above a floor, and answers it as text; "lost" when the lock is another's, and "ahead" when
-- the floor is too far ahead of the clock to be a number that was ever given.
--
-- KEYS 1 lock, 2 last number
-- ARGV 1 owner, 2 floor, 3 how far a floor may be ahead, in microseconds

if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 'lost' end
local fence, floor = tonumber(redis.call('HGET', KEYS[1], 'fence')), tonumber(ARGV[2])
local time = redis.call('TIME')
if floor >= time[1] * 1000000 + time[2] + ARGV[3] then return 'ahead' end
if fence <= floor then
  fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) or 0, floor) + 1
  redis.call('SET', KEYS[2], string.format('%.0f', fence))
  redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', fence))
end
return string.format('%.0f', fence)
