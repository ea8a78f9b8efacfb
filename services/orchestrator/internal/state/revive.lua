-- Looks after the active sync of a fabric. One whose record is gone or ended makes room for the next; one whose entry
-- is no longer in the work stream is given to the workers again. Answers what it did: left, revived or nothing. Needs
-- activate.lua and leave.lua.
--
-- KEYS 1 run, 2 record of the active sync, 3 work, then the active syncs of the shard with each trigger
-- ARGV 1 the active sync

if redis.call('HGET', KEYS[1], 'active') ~= ARGV[1] then return '' end
local r = redis.call('HMGET', KEYS[2], 'version', 'ended')
if not r[1] or r[2] then
  leave(KEYS[1], KEYS[3], ARGV[1])
  for i = 4, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
  return 'left'
end
local entry = redis.call('HGET', KEYS[1], 'entry')
if entry and #redis.call('XRANGE', KEYS[3], entry, entry) > 0 then return '' end
activate(KEYS[1], KEYS[3], ARGV[1])
return 'revived'
