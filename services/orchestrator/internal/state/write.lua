-- Writes a sync's record and appends what it has to tell. Answers {verdict, version, cancel flag}: ok, missing,
-- fenced, stale or ended. Writing an end makes room for the sync that waits. Needs activate.lua, leave.lua and
-- ring.lua.
--
-- KEYS 1 record, 2 run, 3 sync events, 4 bus, 5 work, 6 history, 7 its part of the index until the end, 8 and after it
-- ARGV 1 sync id, 2 fence, 3 expected version, 4 write id, 5 record, 6 "1" for an end, 7 ttl ms after the end,
--      8 number of sync events, 9 how far a fence may be ahead of the clock in microseconds, 10 details of the record,
--      11 ttl ms of the sync events after the end, 12 how the last sync of the whole directory ended, "" for what was
--      known, 13 what it left, "" for what was known, 14 where that is, 15 how it ended for those who look at the fabric,
--      "" for what was known, 16 oldest ms kept in the index, then the sync events, then the bus events. A stored
--      fence that is further ahead was never given, and keeps nobody from writing.

local r = redis.call('HMGET', KEYS[1], 'version', 'fence', 'write', 'ended', 'cancel')
if not r[1] then return {'missing', 0, 0} end
local cancel = r[5] and 1 or 0
if r[3] == ARGV[4] then return {'ok', tonumber(r[1]), cancel} end
local time, highest = redis.call('TIME'), tonumber(r[2])
local held = highest and highest <= time[1] * 1000000 + time[2] + ARGV[9]
if held and tonumber(ARGV[2]) < tonumber(r[2]) then return {'fenced', tonumber(r[1]), cancel} end
if r[4] then return {'ended', tonumber(r[1]), cancel} end
if r[1] ~= ARGV[3] then return {'stale', tonumber(r[1]), cancel} end
local version = tonumber(r[1]) + 1
redis.call('HSET', KEYS[1], 'record', ARGV[5], 'version', version, 'fence', ARGV[2], 'write', ARGV[4])
if ARGV[10] == '' then redis.call('HDEL', KEYS[1], 'details') else redis.call('HSET', KEYS[1], 'details', ARGV[10]) end
if ARGV[6] == '1' then
  redis.call('HSET', KEYS[1], 'ended', '1')
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  leave(KEYS[2], KEYS[5], ARGV[1])
  local at = redis.call('ZSCORE', KEYS[6], ARGV[1])
  redis.call('ZREM', KEYS[7], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', '(' .. ARGV[16])
  if at then redis.call('ZADD', KEYS[8], at, ARGV[1]) end
  redis.call('PEXPIRE', KEYS[8], ARGV[7])
  if ARGV[12] ~= '' then redis.call('HSET', KEYS[2], 'last_ended', ARGV[12]) end
  if ARGV[13] ~= '' then redis.call('HSET', KEYS[2], 'published', ARGV[13], 'published_place', ARGV[14]) end
  if ARGV[15] ~= '' then redis.call('HSET', KEYS[2], 'last_sync', ARGV[15]) end
end
local events = tonumber(ARGV[8])
for i = 17, 16 + events do redis.call('XADD', KEYS[3], '*', 'e', ARGV[i]) end
if ARGV[6] == '1' then redis.call('PEXPIRE', KEYS[3], ARGV[11]) end
for i = 17 + events, #ARGV do redis.call('XADD', KEYS[4], '*', 'e', ARGV[i]) end
if #ARGV > 16 + events then ring(KEYS[1]) end
return {'ok', version, cancel}
