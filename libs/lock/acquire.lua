-- Answers {1, fence} when the lock is the owner's, also when it was already: the reply to the first try may have been
-- lost. Else queues the owner and answers {0, how many are before it}. The lock goes to those who wait in the order in
-- which they came; one that has not asked for a while is taken for gone.
--
-- A new number is above the last one, and not below the clock in microseconds: a Redis that lost the counter, all of
-- it or its last second, gives numbers above the ones it has forgotten. A last number that is too far ahead of the
-- clock was never given, and does not count.
--
-- KEYS 1 lock, 2 last number, 3 queue by time of arrival, 4 queue by time of the last try
-- ARGV 1 owner, 2 lease ms, 3 patience ms, 4 an owner that is done and could not say so, or "",
--      5 how far a last number may be ahead, in microseconds

local holder = redis.call('HGET', KEYS[1], 'owner')
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, tonumber(redis.call('HGET', KEYS[1], 'fence'))}
end
if holder and holder == ARGV[4] then
  redis.call('DEL', KEYS[1])
  holder = false
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[3], gone)
  redis.call('ZREM', KEYS[4], gone)
end
local first = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
if holder or (first and first ~= ARGV[1]) then
  if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
    local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2]
    redis.call('ZADD', KEYS[3], last and last + 1 or 1, ARGV[1])
  end
  redis.call('ZADD', KEYS[4], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[3], 2 * ARGV[3])
  redis.call('PEXPIRE', KEYS[4], 2 * ARGV[3])
  return {0, redis.call('ZRANK', KEYS[3], ARGV[1])}
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local clock = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[2]) or 0) or 0
if not (last >= 0 and last <= clock + ARGV[5]) then last = 0 end
local fence = math.max(last + 1, clock)
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', string.format('%.0f', fence))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, fence}
