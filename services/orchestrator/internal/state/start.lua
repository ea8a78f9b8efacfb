-- Accepts a sync. Answers {verdict, sync id}: started, queued, refused, full or missing. Those who share a run want
-- the same of it: another restore is refused while one waits, and so is another edit. Needs activate.lua.
--
-- KEYS 1 fabric, 2 run, 3 record, 4 work, 5 history, 6 request, 7 active syncs of the shard with the trigger
-- ARGV 1 sync id, 2 record, 3 now ms, 4 lane of the request, 5 "1" to refuse while one is active,
--      6 work entry, 7 trigger, 8 the wishes that count for all who share the run, a line each, 9 request ttl ms,
--      10 oldest ms kept in the history, 11 most entries of the work stream, 12 what it is for alone, "" when it may
--      be shared

local known = redis.call('HMGET', KEYS[6], 'verdict', 'sync')
if known[1] then return known end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'missing', ''} end
local function answer(verdict, id)
  redis.call('HSET', KEYS[6], 'verdict', verdict, 'sync', id)
  redis.call('PEXPIRE', KEYS[6], ARGV[9])
  return {verdict, id}
end
local active = redis.call('HGET', KEYS[2], 'active')
if active and ARGV[5] == '1' then return {'refused', active} end
local slot = 'waiting:' .. ARGV[4]
local waiting = active and redis.call('HGET', KEYS[2], slot)
local target = waiting and redis.call('HGET', KEYS[2], 'target:' .. waiting) or ''
if waiting and target ~= ARGV[12] then return {'refused', waiting} end
if waiting then
  local shared = redis.call('HGET', KEYS[2], 'shared:' .. waiting)
  redis.call('HSET', KEYS[2], 'shared:' .. waiting, (shared and shared .. ',' or '') .. ARGV[7])
  local wishes, known = {}, {}
  for _, some in ipairs({redis.call('HGET', KEYS[2], 'coalesced:' .. waiting) or '', ARGV[8]}) do
    for wish in string.gmatch(some, '[^\n]+') do
      if not known[wish] then wishes[#wishes + 1] = wish end
      known[wish] = true
    end
  end
  redis.call('HSET', KEYS[2], 'coalesced:' .. waiting, table.concat(wishes, '\n'))
  return answer('queued', waiting)
end
if not active and redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[11]) then return {'full', ''} end
redis.call('HSET', KEYS[3], 'record', ARGV[2], 'version', 1, 'fence', 0, 'write', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[10])
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[7], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], 'synced', '1', 'work:' .. ARGV[1], ARGV[6])
if ARGV[12] ~= '' then redis.call('HSET', KEYS[2], 'target:' .. ARGV[1], ARGV[12]) end
-- A scheduled dry run is what the schedule of a fabric in the mode dry_run starts.
if ARGV[4] == 'full' or (ARGV[4] == 'dry' and ARGV[7] == '3') then redis.call('HSET', KEYS[2], 'last_full', ARGV[3]) end
if active then
  redis.call('HSET', KEYS[2], slot, ARGV[1])
  return answer('queued', ARGV[1])
end
activate(KEYS[2], KEYS[4], ARGV[1])
return answer('started', ARGV[1])
