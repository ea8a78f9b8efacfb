-- Gives the owner a number above a floor, and answers it; 0 when the lock is another's.
--
-- KEYS 1 lock, 2 last number
-- ARGV 1 owner, 2 floor

if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence'))
if fence > tonumber(ARGV[2]) then return fence end
fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0), tonumber(ARGV[2])) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', fence))
return fence
