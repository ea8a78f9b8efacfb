-- Keeps changes that were heard, each once, and moves the place behind them, for the fabrics of one shard. Answers
-- fenced when somebody with a larger number hears, moved when the place is not the one that was read; else for each
-- change 1 when it was kept now, and 0 when it had been told before. The same call again is the repetition of one whose
-- reply was lost, and gets the same answer.
--
-- What one source has told is not kept again when the other one tells it: of each change of a record by a request it is
-- counted how often either has told it, and it is kept as often as the one that told it more often.
--
-- A stream has a number of entries and of bytes at most. The oldest go, as far as they have been told; where that is
-- not enough bytes, what comes is kept bare.
--
-- KEYS 1 place, 2 numbers of the change log that were seen, 3 what was told, 4 when it was told, then for each fabric
--      its stream, up to which entry of that it was told, and how many bytes the stream has
-- ARGV 1 fencing number, 2 name of this call, 3 version of the place that was read, 4 most entries of a stream, 5 most
--      bytes of it, 6 smallest number of the change log that matters, 7 now ms, 8 oldest ms of what was told that
--      matters, 9 how many fields the place has, then each field and its value, then how many numbers are seen
--      besides, and each; then for each change: its source (log or feed), its number in the change log or "", what it
--      goes by for the other source or "", how many streams it goes to, the entry, the bare entry, then for each of
--      those its number among the fabrics

local place, seen, told, times = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local was = redis.call('HMGET', place, 'fence', 'call', 'version', 'answer')
if was[2] == ARGV[2] then return was[4] end
if tonumber(was[1] or '0') > tonumber(ARGV[1]) then return 'fenced' end
if (was[3] or '0') ~= ARGV[3] then return 'moved' end

local at = 9
local function next()
  at = at + 1
  return ARGV[at]
end
for _ = 1, tonumber(ARGV[9]) do
  local field = next()
  redis.call('HSET', place, field, next())
end
for _ = 1, tonumber(next()) do
  local number = next()
  redis.call('ZADD', seen, 'NX', number, number)
end

-- Counts a change, and tells whether the other source has told it.
local function twin(source, name)
  local log, feed = string.match(redis.call('HGET', told, name) or '0 0', '(%d+) (%d+)')
  log, feed = tonumber(log), tonumber(feed)
  local most = math.max(log, feed)
  if source == 'log' then log = log + 1 else feed = feed + 1 end
  redis.call('HSET', told, name, log .. ' ' .. feed)
  redis.call('ZADD', times, ARGV[7], name)
  return math.max(log, feed) == most
end

-- Tells whether an entry of a stream is not behind another one.
local function upTo(id, other)
  local ms, n = string.match(id, '(%d+)-(%d+)')
  local otherMs, otherN = string.match(other, '(%d+)-(%d+)')
  if not otherMs then return false end
  ms, otherMs = tonumber(ms), tonumber(otherMs)
  return ms < otherMs or ms == otherMs and tonumber(n) <= tonumber(otherN)
end

-- Adds an entry to the stream of a fabric, and takes away what has to go for it.
local function add(fabric, entry, bare)
  local stream, toldUpTo, size = KEYS[2 + 3 * fabric], KEYS[3 + 3 * fabric], KEYS[4 + 3 * fabric]
  local bytes, entries = tonumber(redis.call('GET', size) or '0'), redis.call('XLEN', stream)
  local last = redis.call('GET', toldUpTo) or ''
  while entries >= tonumber(ARGV[4]) or entries > 0 and bytes + #entry > tonumber(ARGV[5]) do
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    if not upTo(first[1], last) and entries < tonumber(ARGV[4]) then break end
    redis.call('XDEL', stream, first[1])
    bytes, entries = bytes - #first[2][2], entries - 1
  end
  if bytes + #entry > tonumber(ARGV[5]) then entry = bare end
  redis.call('XADD', stream, '*', 'e', entry)
  redis.call('SET', size, string.format('%.0f', math.max(bytes, 0) + #entry))
end

local answer = {}
while at < #ARGV do
  local source, number, name, streams, entry, bare = next(), next(), next(), tonumber(next()), next(), next()
  local known = number ~= '' and redis.call('ZADD', seen, 'NX', number, number) == 0
  if not known and name ~= '' then known = twin(source, name) end
  for _ = 1, streams do
    local fabric = tonumber(next())
    if not known then add(fabric, entry, bare) end
  end
  answer[#answer + 1] = known and '0' or '1'
end

redis.call('ZREMRANGEBYSCORE', seen, '-inf', '(' .. ARGV[6])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', ARGV[8], 'LIMIT', 0, 1000)) do
  redis.call('HDEL', told, name)
  redis.call('ZREM', times, name)
end
local text = table.concat(answer)
redis.call('HSET', place, 'fence', ARGV[1], 'call', ARGV[2], 'version', string.format('%.0f', ARGV[3] + 1),
  'answer', text)
return text
