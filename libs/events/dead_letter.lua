-- Moves an entry to the dead letters, once. Where other groups read the stream too, it stays there for them. Answers 0
-- when it is not there any more. What can fail comes first: an entry without its dead letter is not acknowledged.
--
-- KEYS 1 stream, 2 dead letters
-- ARGV 1 group, 2 entry, 3 payload, 4 deliveries, 5 error, 6 most dead letters,
--      7 whether others read it too (1 or 0)

local shared = ARGV[7] == '1'
if shared then
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
elseif #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*',
  'e', ARGV[3], 'origin', KEYS[1], 'entry', ARGV[2], 'deliveries', ARGV[4], 'error', ARGV[5])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if shared then return 1 end
return redis.call('XDEL', KEYS[1], ARGV[2])
