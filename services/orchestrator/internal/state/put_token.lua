-- Stores a token. Mode "put" answers changed unless it is the next generation, and exists when it has to be the first
-- one and is not; "recover" answers known unless it is newer than what is there. The same token again is the repetition
-- of a call whose reply was lost.
--
-- KEYS 1 tokens, 2 generations, 3 version
-- ARGV 1 mode, 2 token id, 3 generation, 4 token, 5 whether it has to be the first one

if redis.call('HGET', KEYS[1], ARGV[2]) == ARGV[4] then return 'ok' end
local known, generation = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '0'), tonumber(ARGV[3])
if ARGV[1] == 'recover' then
  if known >= generation then return 'known' end
else
  if ARGV[5] == '1' and redis.call('HLEN', KEYS[1]) > 0 then return 'exists' end
  if known + 1 ~= generation then return 'changed' end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('INCR', KEYS[3])
return 'ok'
