-- Brings back a sync that was accepted. Answers ended when it has its end, known when it is active or waits, later
-- when another one waits in its place, missing without its fabric, else recovered. Needs activate.lua.
--
-- KEYS 1 fabric, 2 run, 3 record, 4 work, 5 history, 6 active syncs of the shard with the trigger, then those
--      that ended
-- ARGV 1 sync id, 2 record, 3 accepted ms, 4 lane, 5 work entry, 6 what it is for alone, "" when it may be shared

if redis.call('HGET', KEYS[3], 'ended') then return 'ended' end
if redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
local active, slot = redis.call('HGET', KEYS[2], 'active'), 'waiting:' .. ARGV[4]
local waiting = redis.call('HGET', KEYS[2], slot)
local stored = redis.call('EXISTS', KEYS[3]) == 1
if stored and (active == ARGV[1] or waiting == ARGV[1]) then return 'known' end
if active and active ~= ARGV[1] and waiting and waiting ~= ARGV[1] then return 'later' end
if not stored then
  redis.call('HSET', KEYS[3], 'record', ARGV[2], 'version', 1, 'fence', 0, 'write', ARGV[1])
  redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
  redis.call('ZADD', KEYS[6], ARGV[3], ARGV[1])
  for i = 7, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
end
redis.call('HSET', KEYS[2], 'synced', '1', 'work:' .. ARGV[1], ARGV[5])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], 'target:' .. ARGV[1], ARGV[6]) end
if ARGV[4] == 'full' then redis.call('HSET', KEYS[2], 'last_full', ARGV[3]) end
if active and active ~= ARGV[1] then
  redis.call('HSET', KEYS[2], slot, ARGV[1])
else
  activate(KEYS[2], KEYS[4], ARGV[1])
end
return 'recovered'
