-- Stores the NetBox of the installation. Mode "put" answers changed unless what is there has the generation that was
-- read; "recover" answers known unless it is newer than what is there. The same again is the repetition of a call whose
-- reply was lost.
--
-- KEYS 1 NetBox
-- ARGV 1 mode, 2 generation that was read, 3 generation, 4 NetBox

local stored = redis.call('HMGET', KEYS[1], 'generation', 'record')
if stored[2] == ARGV[4] then return 'ok' end
local known = tonumber(stored[1] or '0')
if ARGV[1] == 'recover' then
  if known >= tonumber(ARGV[3]) then return 'known' end
elseif known ~= tonumber(ARGV[2]) then
  return 'changed'
end
redis.call('HSET', KEYS[1], 'generation', ARGV[3], 'record', ARGV[4])
return 'ok'
