-- Puts the outcomes of syncs in the place of their records, each once, and remembers how far that has come. It brings
-- back nothing of a fabric that was deleted meanwhile.
--
-- KEYS 1 run, 2 history, then for each sync: record, those folded of its day
-- ARGV 1 reached ms, then for each sync: sync id, outcome, ttl ms

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, (#KEYS - 2) / 2 do
  local record, day = KEYS[2 * i + 1], KEYS[2 * i + 2]
  local id, outcome, ttl = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
  if redis.call('ZREM', KEYS[2], id) == 1 then
    redis.call('RPUSH', day, outcome)
    redis.call('PEXPIRE', day, ttl)
    redis.call('DEL', record)
  end
end
redis.call('HSET', KEYS[1], 'folded', ARGV[1])
return 1
