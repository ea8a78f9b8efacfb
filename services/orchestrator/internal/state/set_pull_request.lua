-- Remembers a pull request, and brings back nothing of a fabric that was deleted meanwhile.
--
-- KEYS 1 run
-- ARGV 1 field, 2 pull request

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
