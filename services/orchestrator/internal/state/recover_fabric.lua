-- Brings back a definition that Redis has lost, or has in an older form. Answers 1 if it did: not when it was deleted
-- since, or somebody else has changed it.
--
-- KEYS 1 fabric, 2 fabrics, 3 deleted
-- ARGV 1 fabric id, 2 generation, 3 definition, 4 what Redis has, "" for nothing

if (redis.call('GET', KEYS[1]) or '') ~= ARGV[4] then return 0 end
if tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
