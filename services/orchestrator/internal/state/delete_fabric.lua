-- Forgets a fabric whose syncs have all ended; else answers the active sync. What is remembered for a while is which
-- call it was, because a repetition of that one has to succeed too. Needs ring.lua.
--
-- KEYS 1 fabric, 2 run, 3 resources, 4 history, 5 request, 6 fabrics, 7 bus, 8 deleted, 9 followed, then the
--      index of the shard, then the folded syncs of each day
-- ARGV 1 fabric id, 2 event or "", 3 request ttl ms, 4 the generation that ends it, 5 number of keys of the index

if redis.call('EXISTS', KEYS[5]) == 1 then return '' end
local active = redis.call('HGET', KEYS[2], 'active')
if active then return active end
if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
redis.call('SET', KEYS[5], '1', 'PX', ARGV[3])
local index = 9 + ARGV[5]
for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  for i = 10, index do redis.call('ZREM', KEYS[i], id) end
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[9])
for i = index + 1, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('SREM', KEYS[6], ARGV[1])
redis.call('HSET', KEYS[8], ARGV[1], ARGV[4])
if ARGV[2] ~= '' then
  redis.call('XADD', KEYS[7], '*', 'e', ARGV[2])
  ring(KEYS[1])
end
return ''
