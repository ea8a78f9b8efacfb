-- Takes away what is old, and the oldest of what is too many, as far as every group has read and acknowledged it.
-- Answers how many entries.
--
-- KEYS 1 stream
-- ARGV 1 oldest ms that is kept, 2 most entries, 3 most entries to look at

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function parts(id) -- of "ms-number", or of "0" where nothing was read
  local ms, number = string.match(id, '(%d+)-?(%d*)')
  return tonumber(ms), tonumber(number) or 0
end
local function before(a, b)
  local ams, an = parts(a)
  local bms, bn = parts(b)
  return ams < bms or (ams == bms and an < bn)
end
local function next(id)
  local ms, number = parts(id)
  return string.format('%.0f-%.0f', ms, number + 1)
end
local keep = ARGV[1] .. '-0'
local many = math.min(redis.call('XLEN', KEYS[1]) - ARGV[2], ARGV[3])
if many > 0 then
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', many)
  local beyond = next(first[#first][1])
  if before(keep, beyond) then keep = beyond end
end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  local read = group['last-delivered-id']
  if before(read, keep) then keep = next(read) end
  local pending = redis.call('XPENDING', KEYS[1], group['name'])[2]
  if pending and before(pending, keep) then keep = pending end
end
return redis.call('XTRIM', KEYS[1], 'MINID', keep)
