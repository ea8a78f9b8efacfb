-- Drops what waits for a target that no bridge has any more, and what is noted of it, in one step: a bridge that has it
-- by now keeps it. Answers how much waited; -1 when nothing was dropped.
--
-- KEYS 1 what is noted of targets, 2 stream of the target
-- ARGV 1 target, 2 the time, in milliseconds, since which some bridge would have had it

local seen = tonumber(redis.call('HGET', KEYS[1], ARGV[1] .. ' seen'))
if not seen or seen > tonumber(ARGV[2]) then return -1 end
local waited = redis.call('XLEN', KEYS[2])
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], ARGV[1] .. ' seen', ARGV[1] .. ' sent', ARGV[1] .. ' failed', ARGV[1] .. ' error')
return waited
