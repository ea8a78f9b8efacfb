-- Has the pull request of an edit followed, and brings back nothing of a fabric that was deleted meanwhile. Of too many
-- the newest stay: ids of syncs are in the order of their times.
--
-- KEYS 1 run, 2 followed
-- ARGV 1 sync id, 2 pull request, 3 how many at most

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local ids = redis.call('HKEYS', KEYS[2])
table.sort(ids)
for i = 1, #ids - tonumber(ARGV[3]) do redis.call('HDEL', KEYS[2], ids[i]) end
return 1
