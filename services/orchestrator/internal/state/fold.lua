-- Puts the outcomes of syncs in the place of their records, each once, and remembers how far that has come. It brings
-- back nothing of a fabric that was deleted meanwhile.
--
-- KEYS 1 run, 2 history, 3 hours of the shard in which some were folded, then for each sync: record, those folded of
--      its day, its part of the index, those folded of its hour there
-- ARGV 1 reached ms, 2 oldest hour, then for each sync: sync id, outcome, ttl ms, sync id in 16 bytes, its hour

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, (#KEYS - 3) / 4 do
  local record, day, index, hour = unpack(KEYS, 4 * i, 4 * i + 3)
  local id, outcome, ttl, raw, at = unpack(ARGV, 5 * i - 2, 5 * i + 2)
  if redis.call('ZREM', KEYS[2], id) == 1 then
    redis.call('RPUSH', day, outcome)
    redis.call('PEXPIRE', day, ttl)
    redis.call('ZREM', index, id)
    redis.call('RPUSH', hour, raw)
    redis.call('PEXPIRE', hour, ttl)
    redis.call('ZADD', KEYS[3], at, hour)
    redis.call('DEL', record)
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[2])
redis.call('HSET', KEYS[1], 'folded', ARGV[1])
return 1
