-- Takes the details of syncs away, and remembers how far that has come. It brings back nothing of a fabric that was
-- deleted meanwhile.
--
-- KEYS 1 run, then the records
-- ARGV 1 reached ms

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 2, #KEYS do redis.call('HDEL', KEYS[i], 'details') end
redis.call('HSET', KEYS[1], 'thinned', ARGV[1])
return 1
