-- Makes a sync the active one of its fabric and gives it to the workers. The run remembers the entry: it is in the
-- stream until it is acknowledged.

local function activate(run, work, id)
  local entry = redis.call('XADD', work, '*', 'e', redis.call('HGET', run, 'work:' .. id))
  redis.call('HSET', run, 'active', id, 'entry', entry)
end
