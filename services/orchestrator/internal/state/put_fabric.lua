-- Stores a definition. Mode "create" answers exists when there is another one, "update" missing when there is none.
-- The same definition again is the repetition of a call whose reply was lost: it holds the time of the change.
-- Needs ring.lua.
--
-- KEYS 1 fabric, 2 fabrics, 3 bus
-- ARGV 1 mode, 2 fabric id, 3 definition, 4 event

local stored = redis.call('GET', KEYS[1])
if stored == ARGV[3] then return 'ok' end
if ARGV[1] == 'create' and stored then return 'exists' end
if ARGV[1] == 'update' and not stored then return 'missing' end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('XADD', KEYS[3], '*', 'e', ARGV[4])
ring(KEYS[1])
return 'ok'
