-- Lets the lease begin anew. Answers 0 when the lock is another's.
--
-- KEYS 1 lock
-- ARGV 1 owner, 2 lease ms

if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
