-- Enters syncs of a fabric into the index of its shard, as they were read. Answers how many have changed since.
--
-- KEYS 1 history, then for each sync: record, its part of the index
-- ARGV for each sync: sync id, version that was read

local changed = 0
for i = 1, (#KEYS - 1) / 2 do
  local id, at = ARGV[2 * i - 1], redis.call('ZSCORE', KEYS[1], ARGV[2 * i - 1])
  local version = redis.call('HGET', KEYS[2 * i], 'version')
  if at and version == ARGV[2 * i] then
    redis.call('ZADD', KEYS[2 * i + 1], at, id)
  elseif at and version then
    changed = changed + 1
  end
end
return changed
