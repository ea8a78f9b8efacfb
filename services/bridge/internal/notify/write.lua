-- Writes what is the matter with a fabric, if that is as it was read, and what targets are to be told of it, in one step:
-- nothing becomes so without being told, and nothing is told twice. What a target has no room for is a dead letter.
-- Answers 0 when somebody was faster, also when that was the same script whose answer was lost; else a list: 1, and
-- the numbers of the targets that had no room.
--
-- KEYS 1 what is the matter with fabrics, 2 dead letters, 3… streams of targets
-- ARGV 1 fabric, 2 what is the matter as it was read, 3 as it becomes, each empty for none, 4 most entries of a stream,
--      5… what is told, for each stream

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
local full = {1}
for i = 3, #KEYS do
  if redis.call('XLEN', KEYS[i]) < tonumber(ARGV[4]) then
    redis.call('XADD', KEYS[i], '*', 'e', ARGV[i + 2])
  else
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'e', ARGV[i + 2], 'origin', KEYS[i], 'entry', '0-0',
      'deliveries', '0', 'error', 'too much waits for the target already')
    full[#full + 1] = i - 2
  end
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return full
