-- Forgets the receipts of a fabric's records, and what else is kept of its delivery. Whoever delivers still is refused
-- from now on, for as long as a lease lasts at most. Answers ok.
--
-- KEYS 1 delivery, then all that goes
-- ARGV 1 for how many seconds the fence is kept

for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'fence', string.format('%d%06d', time[1], time[2]))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 'ok'
