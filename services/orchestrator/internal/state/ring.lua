-- Says that there are events of the fabric that a key is of, to those who show how it is (events.Bell). Where Redis
-- lets nobody publish, nothing is lost but that.
local function ring(key)
  redis.pcall('PUBLISH', 'fgd:bell', string.match(key, ':fabric:(%d+):'))
end

