package state

import "github.com/redis/go-redis/v9"

// startScript accepts a sync. It answers {verdict, sync id}: started, queued, refused or missing.
//
//	KEYS 1 fabric, 2 run, 3 record, 4 work, 5 history, 6 request
//	ARGV 1 sync id, 2 record, 3 now ms, 4 class of the request, 5 "1" to refuse while one is active,
//	     6 work entry, 7 trigger, 8 the wishes that count for all who share the run, a line each, 9 request ttl ms, 10 oldest ms kept in the history
var startScript = redis.NewScript(`
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
if waiting then
  local shared = redis.call('HGET', KEYS[2], 'shared:' .. waiting)
  redis.call('HSET', KEYS[2], 'shared:' .. waiting, (shared and shared .. ',' or '') .. ARGV[7])
  local wishes, known = {}, {}
  for _, some in ipairs({redis.call('HGET', KEYS[2], 'wishes:' .. waiting) or '', ARGV[8]}) do
    for wish in string.gmatch(some, '[^\n]+') do
      if not known[wish] then wishes[#wishes + 1] = wish end
      known[wish] = true
    end
  end
  redis.call('HSET', KEYS[2], 'wishes:' .. waiting, table.concat(wishes, '\n'))
  return answer('queued', waiting)
end
redis.call('HSET', KEYS[3], 'record', ARGV[2], 'version', 1, 'fence', 0, 'write', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[10])
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
if ARGV[4] == 'full' then redis.call('HSET', KEYS[2], 'last_full', ARGV[3]) end
if active then
  redis.call('HSET', KEYS[2], slot, ARGV[1], 'work:' .. ARGV[1], ARGV[6])
  return answer('queued', ARGV[1])
end
redis.call('HSET', KEYS[2], 'active', ARGV[1])
redis.call('XADD', KEYS[4], '*', 'e', ARGV[6])
return answer('started', ARGV[1])`)

// writeScript writes a sync's record and appends what it has to tell. It answers {verdict, version, cancel flag}:
// ok, missing, fenced, stale or ended. Writing an end makes room for the sync that waits.
//
//	KEYS 1 record, 2 run, 3 sync events, 4 bus, 5 work
//	ARGV 1 sync id, 2 fence, 3 expected version, 4 write id, 5 record, 6 "1" for an end, 7 ttl ms after the end,
//	     8 oldest bus entry kept, 9 number of sync events, then those, then the bus events
var writeScript = redis.NewScript(`
local r = redis.call('HMGET', KEYS[1], 'version', 'fence', 'write', 'ended', 'cancel')
if not r[1] then return {'missing', 0, 0} end
local cancel = r[5] and 1 or 0
if r[3] == ARGV[4] then return {'ok', tonumber(r[1]), cancel} end
if tonumber(ARGV[2]) < tonumber(r[2]) then return {'fenced', tonumber(r[1]), cancel} end
if r[4] then return {'ended', tonumber(r[1]), cancel} end
if r[1] ~= ARGV[3] then return {'stale', tonumber(r[1]), cancel} end
local version = tonumber(r[1]) + 1
redis.call('HSET', KEYS[1], 'record', ARGV[5], 'version', version, 'fence', ARGV[2], 'write', ARGV[4])
if ARGV[6] == '1' then
  redis.call('HSET', KEYS[1], 'ended', '1')
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  for _, class in ipairs({'full', 'directory', 'dry'}) do
    if redis.call('HGET', KEYS[2], 'waiting:' .. class) == ARGV[1] then redis.call('HDEL', KEYS[2], 'waiting:' .. class) end
  end
  redis.call('HDEL', KEYS[2], 'work:' .. ARGV[1], 'shared:' .. ARGV[1], 'wishes:' .. ARGV[1])
  if redis.call('HGET', KEYS[2], 'active') == ARGV[1] then
    redis.call('HDEL', KEYS[2], 'active')
    for _, class in ipairs({'full', 'directory', 'dry'}) do
      local next = redis.call('HGET', KEYS[2], 'waiting:' .. class)
      if next then
        redis.call('HDEL', KEYS[2], 'waiting:' .. class)
        redis.call('HSET', KEYS[2], 'active', next)
        redis.call('XADD', KEYS[5], '*', 'e', redis.call('HGET', KEYS[2], 'work:' .. next))
        break
      end
    end
  end
end
local events = tonumber(ARGV[9])
for i = 10, 9 + events do redis.call('XADD', KEYS[3], '*', 'e', ARGV[i]) end
if ARGV[6] == '1' then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
for i = 10 + events, #ARGV do redis.call('XADD', KEYS[4], 'MINID', '~', ARGV[8], '*', 'e', ARGV[i]) end
return {'ok', version, cancel}`)

// cancelScript marks a sync that has not ended. It answers missing, ended or marked.
var cancelScript = redis.NewScript(`
local r = redis.call('HMGET', KEYS[1], 'version', 'ended')
if not r[1] then return 'missing' end
if r[2] then return 'ended' end
redis.call('HSET', KEYS[1], 'cancel', '1')
return 'marked'`)

// deleteFabricScript forgets a fabric whose syncs have all ended; else it answers the active sync. What it remembers
// for a while is which call it was, because a repetition of that one has to succeed too.
//
//	KEYS 1 fabric, 2 run, 3 resources, 4 history, 5 request, 6 fabrics, 7 bus
//	ARGV 1 fabric id, 2 event, 3 request ttl ms
var deleteFabricScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[5]) == 1 then return '' end
local active = redis.call('HGET', KEYS[2], 'active')
if active then return active end
if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
redis.call('SET', KEYS[5], '1', 'PX', ARGV[3])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
redis.call('SREM', KEYS[6], ARGV[1])
redis.call('XADD', KEYS[7], '*', 'e', ARGV[2])
return ''`)

// putFabricScript stores a definition. Mode "create" answers exists when there is another one, "update" missing when
// there is none. The same definition again is the repetition of a call whose reply was lost: it holds the time of the
// change.
//
//	KEYS 1 fabric, 2 fabrics, 3 bus
//	ARGV 1 mode, 2 fabric id, 3 definition, 4 event
var putFabricScript = redis.NewScript(`
local stored = redis.call('GET', KEYS[1])
if stored == ARGV[3] then return 'ok' end
if ARGV[1] == 'create' and stored then return 'exists' end
if ARGV[1] == 'update' and not stored then return 'missing' end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('XADD', KEYS[3], '*', 'e', ARGV[4])
return 'ok'`)
