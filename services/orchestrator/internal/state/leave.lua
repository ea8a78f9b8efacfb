-- Takes a sync out of the run of its fabric, and lets the next one that waits become active. Needs activate.lua.

local function leave(run, work, id)
  local lanes = {'restore', 'full', 'edit', 'directory', 'dry_restore', 'dry_edit', 'dry'}
  for _, lane in ipairs(lanes) do
    if redis.call('HGET', run, 'waiting:' .. lane) == id then redis.call('HDEL', run, 'waiting:' .. lane) end
  end
  redis.call('HDEL', run, 'work:' .. id, 'shared:' .. id, 'coalesced:' .. id, 'target:' .. id)
  if redis.call('HGET', run, 'active') ~= id then return end
  redis.call('HDEL', run, 'active', 'entry')
  for _, lane in ipairs(lanes) do
    local next = redis.call('HGET', run, 'waiting:' .. lane)
    if next then
      redis.call('HDEL', run, 'waiting:' .. lane)
      activate(run, work, next)
      return
    end
  end
end
