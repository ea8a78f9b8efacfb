-- Takes an owner out of the queue.
--
-- KEYS 1 queue by time of arrival, 2 queue by time of the last try
-- ARGV 1 owner

redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])
