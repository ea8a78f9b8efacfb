-- Forgets a fabric whose syncs have all ended; else answers the active sync. What is remembered for a while is which
-- call it was, because a repetition of that one has to succeed too.
--
-- KEYS 1 fabric, 2 run, 3 resources, 4 history, 5 request, 6 fabrics, 7 bus, 8 deleted, 9 followed, then the
--      folded syncs of each day
-- ARGV 1 fabric id, 2 event or "", 3 request ttl ms, 4 the generation that ends it

if redis.call('EXISTS', KEYS[5]) == 1 then return '' end
local active = redis.call('HGET', KEYS[2], 'active')
if active then return active end
if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
redis.call('SET', KEYS[5], '1', 'PX', ARGV[3])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
for i = 9, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('SREM', KEYS[6], ARGV[1])
redis.call('HSET', KEYS[8], ARGV[1], ARGV[4])
if ARGV[2] ~= '' then redis.call('XADD', KEYS[7], '*', 'e', ARGV[2]) end
return ''
