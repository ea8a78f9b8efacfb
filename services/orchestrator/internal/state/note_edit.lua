-- Notes what became of the pull request of an edit, while it is followed: with the record of its sync, if that is there
-- still, which has to have ended and to be as it was read. Answers 1 if it did.
--
-- KEYS 1 record, 2 followed
-- ARGV 1 sync id, 2 version that was read, "" for no record, 3 record, 4 pull request, "" for one that is followed no
--      more

local r = redis.call('HMGET', KEYS[1], 'version', 'ended')
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 or (r[1] or '') ~= ARGV[2] then return 0 end
if r[1] and not r[2] then return 0 end
if r[1] then redis.call('HSET', KEYS[1], 'record', ARGV[3]) end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
end
return 1
