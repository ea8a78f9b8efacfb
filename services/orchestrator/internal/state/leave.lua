-- Takes a sync out of the run of its fabric, and lets the next one that waits become active. Of a full sync and an edit
-- that is the one which was accepted first, as their ids say: neither may keep the other waiting for ever. Needs
-- activate.lua.

local function leave(run, work, id)
  local lanes = {'restore', 'full', 'edit', 'directory', 'dry_restore', 'dry_edit', 'dry'}
  for _, lane in ipairs(lanes) do
    if redis.call('HGET', run, 'waiting:' .. lane) == id then redis.call('HDEL', run, 'waiting:' .. lane) end
  end
  redis.call('HDEL', run, 'work:' .. id, 'shared:' .. id, 'coalesced:' .. id, 'target:' .. id)
  if redis.call('HGET', run, 'active') ~= id then return end
  redis.call('HDEL', run, 'active', 'entry')
  local full, edit = redis.call('HGET', run, 'waiting:full'), redis.call('HGET', run, 'waiting:edit')
  if full and edit and edit < full then lanes[2], lanes[3] = 'edit', 'full' end
  for _, lane in ipairs(lanes) do
    local next = redis.call('HGET', run, 'waiting:' .. lane)
    if next then
      redis.call('HDEL', run, 'waiting:' .. lane)
      activate(run, work, next)
      return
    end
  end
end
