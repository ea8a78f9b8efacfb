-- Marks a sync that has not ended. Answers missing, ended or marked.
--
-- KEYS 1 record

local r = redis.call('HMGET', KEYS[1], 'version', 'ended')
if not r[1] then return 'missing' end
if r[2] then return 'ended' end
redis.call('HSET', KEYS[1], 'cancel', '1')
return 'marked'
