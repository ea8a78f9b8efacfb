-- Puts a dead letter back into its stream, once. Answers 0 when it is not there any more.
--
-- KEYS 1 stream, 2 dead letters
-- ARGV 1 id of the dead letter, 2 payload

if redis.call('XDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', 'e', ARGV[2])
return 1
