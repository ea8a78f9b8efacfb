-- Moves an entry to the dead letters, once. Answers 0 when it is not there any more.
--
-- KEYS 1 stream, 2 dead letters
-- ARGV 1 group, 2 entry, 3 payload, 4 deliveries, 5 error, 6 most dead letters

if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*',
  'e', ARGV[3], 'origin', KEYS[1], 'entry', ARGV[2], 'deliveries', ARGV[4], 'error', ARGV[5])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
