-- Takes an entry off the group and off the stream at once. Only acknowledged entries leave the stream, so that nothing
-- unread is ever trimmed.
--
-- KEYS 1 stream
-- ARGV 1 group, 2 entry

redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
