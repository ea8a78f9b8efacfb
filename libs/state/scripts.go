package state

import "github.com/redis/go-redis/v9"

// activateLua makes a sync the active one of its fabric and gives it to the workers. The run remembers the entry: it is
// in the stream until it is acknowledged.
const activateLua = `
local function activate(run, work, id)
  redis.call('HSET', run, 'active', id, 'entry', redis.call('XADD', work, '*', 'e', redis.call('HGET', run, 'work:' .. id)))
end
`

// leaveLua takes a sync out of the run of its fabric, and lets the next one that waits become active.
const leaveLua = activateLua + `
local function leave(run, work, id)
  local classes = {'restore', 'full', 'directory', 'dry_restore', 'dry'}
  for _, class in ipairs(classes) do
    if redis.call('HGET', run, 'waiting:' .. class) == id then redis.call('HDEL', run, 'waiting:' .. class) end
  end
  redis.call('HDEL', run, 'work:' .. id, 'shared:' .. id, 'wishes:' .. id, 'restores:' .. id)
  if redis.call('HGET', run, 'active') ~= id then return end
  redis.call('HDEL', run, 'active', 'entry')
  for _, class in ipairs(classes) do
    local next = redis.call('HGET', run, 'waiting:' .. class)
    if next then
      redis.call('HDEL', run, 'waiting:' .. class)
      activate(run, work, next)
      return
    end
  end
end
`

// startLua accepts a sync. It answers {verdict, sync id}: started, queued, refused, full or missing. Those who share a
// run restore the same: another restore is refused while one waits.
//
//	KEYS 1 fabric, 2 run, 3 record, 4 work, 5 history, 6 request
//	ARGV 1 sync id, 2 record, 3 now ms, 4 class of the request, 5 "1" to refuse while one is active,
//	     6 work entry, 7 trigger, 8 the wishes that count for all who share the run, a line each, 9 request ttl ms, 10 oldest ms kept in the history,
//	     11 most entries of the work stream, 12 what it restores, "" for nothing
const startLua = activateLua + `
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
if waiting and (redis.call('HGET', KEYS[2], 'restores:' .. waiting) or '') ~= ARGV[12] then return {'refused', waiting} end
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
if not active and redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[11]) then return {'full', ''} end
redis.call('HSET', KEYS[3], 'record', ARGV[2], 'version', 1, 'fence', 0, 'write', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[10])
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], 'synced', '1', 'work:' .. ARGV[1], ARGV[6])
if ARGV[12] ~= '' then redis.call('HSET', KEYS[2], 'restores:' .. ARGV[1], ARGV[12]) end
if ARGV[4] == 'full' then redis.call('HSET', KEYS[2], 'last_full', ARGV[3]) end
if active then
  redis.call('HSET', KEYS[2], slot, ARGV[1])
  return answer('queued', ARGV[1])
end
activate(KEYS[2], KEYS[4], ARGV[1])
return answer('started', ARGV[1])`

var startScript = redis.NewScript(startLua)

// writeLua writes a sync's record and appends what it has to tell. It answers {verdict, version, cancel flag}:
// ok, missing, fenced, stale or ended. Writing an end makes room for the sync that waits.
//
//	KEYS 1 record, 2 run, 3 sync events, 4 bus, 5 work
//	ARGV 1 sync id, 2 fence, 3 expected version, 4 write id, 5 record, 6 "1" for an end, 7 ttl ms after the end,
//	     8 number of sync events, then those, then the bus events
const writeLua = leaveLua + `
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
  leave(KEYS[2], KEYS[5], ARGV[1])
end
local events = tonumber(ARGV[8])
for i = 9, 8 + events do redis.call('XADD', KEYS[3], '*', 'e', ARGV[i]) end
if ARGV[6] == '1' then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
for i = 9 + events, #ARGV do redis.call('XADD', KEYS[4], '*', 'e', ARGV[i]) end
return {'ok', version, cancel}`

var writeScript = redis.NewScript(writeLua)

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
//	KEYS 1 fabric, 2 run, 3 resources, 4 history, 5 request, 6 fabrics, 7 bus, 8 deleted
//	ARGV 1 fabric id, 2 event or "", 3 request ttl ms, 4 the generation that ends it
var deleteFabricScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[5]) == 1 then return '' end
local active = redis.call('HGET', KEYS[2], 'active')
if active then return active end
if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
redis.call('SET', KEYS[5], '1', 'PX', ARGV[3])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
redis.call('SREM', KEYS[6], ARGV[1])
redis.call('HSET', KEYS[8], ARGV[1], ARGV[4])
if ARGV[2] ~= '' then redis.call('XADD', KEYS[7], '*', 'e', ARGV[2]) end
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

// restoreFabricScript brings back a definition that Redis has lost, or has in an older form. It answers 1 if it did:
// not when it was deleted since, or somebody else has changed it.
//
//	KEYS 1 fabric, 2 fabrics, 3 deleted
//	ARGV 1 fabric id, 2 generation, 3 definition, 4 what Redis has, "" for nothing
var restoreFabricScript = redis.NewScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[4] then return 0 end
if tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
return 1`)

// restoreSyncScript brings back a sync that was accepted. It answers: ended when it has its end, known when it is
// active or waits, later when another one waits in its place, missing without its fabric, else restored.
//
//	KEYS 1 fabric, 2 run, 3 record, 4 work, 5 history
//	ARGV 1 sync id, 2 record, 3 accepted ms, 4 class, 5 work entry, 6 what it restores, "" for nothing
var restoreSyncScript = redis.NewScript(activateLua + `
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
end
redis.call('HSET', KEYS[2], 'synced', '1', 'work:' .. ARGV[1], ARGV[5])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], 'restores:' .. ARGV[1], ARGV[6]) end
if ARGV[4] == 'full' then redis.call('HSET', KEYS[2], 'last_full', ARGV[3]) end
if active and active ~= ARGV[1] then
  redis.call('HSET', KEYS[2], slot, ARGV[1])
else
  activate(KEYS[2], KEYS[4], ARGV[1])
end
return 'restored'`)

// reviveScript looks after the active sync of a fabric. One whose record is gone or ended makes room for the next; one
// whose entry is no longer in the work stream is given to the workers again. It answers what it did: left, revived or
// nothing.
//
//	KEYS 1 run, 2 record of the active sync, 3 work
//	ARGV 1 the active sync
var reviveScript = redis.NewScript(leaveLua + `
if redis.call('HGET', KEYS[1], 'active') ~= ARGV[1] then return '' end
local r = redis.call('HMGET', KEYS[2], 'version', 'ended')
if not r[1] or r[2] then
  leave(KEYS[1], KEYS[3], ARGV[1])
  return 'left'
end
local entry = redis.call('HGET', KEYS[1], 'entry')
if entry and #redis.call('XRANGE', KEYS[3], entry, entry) > 0 then return '' end
activate(KEYS[1], KEYS[3], ARGV[1])
return 'revived'`)
