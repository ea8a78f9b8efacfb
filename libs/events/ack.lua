-- Takes an entry off the group, and off the stream at once where no other group reads it. Only acknowledged entries leave
-- such a stream, so that nothing unread is ever trimmed.
--
-- KEYS 1 stream
-- ARGV 1 group, 2 entry, 3 whether others read it too (1 or 0)

local taken = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] == '1' then return taken end
return redis.call('XDEL', KEYS[1], ARGV[2])
