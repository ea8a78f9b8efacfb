package events

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

// trimScript takes away what is old and what every group has read and acknowledged. It answers how many entries.
//
//	KEYS 1 stream
//	ARGV 1 oldest ms that is kept
var trimScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function parts(id) -- of "ms-number", or of "0" where nothing was read
  local ms, number = string.match(id, '(%d+)-?(%d*)')
  return tonumber(ms), tonumber(number) or 0
end
local function before(a, b)
  local ams, an = parts(a)
  local bms, bn = parts(b)
  return ams < bms or (ams == bms and an < bn)
end
local keep = ARGV[1] .. '-0'
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  local read = group['last-delivered-id']
  if before(read, keep) then
    local ms, number = parts(read)
    keep = string.format('%.0f-%.0f', ms, number + 1)
  end
  local pending = redis.call('XPENDING', KEYS[1], group['name'])[2]
  if pending and before(pending, keep) then keep = pending end
end
return redis.call('XTRIM', KEYS[1], 'MINID', keep)`)

// Trim takes entries away that are older than a time, but none that a consumer group has not read or not acknowledged.
// It tells how many.
func Trim(ctx context.Context, conn *redisconn.Conn, stream string, oldest time.Time) (int64, error) {
	reply, err := conn.Run(ctx, trimScript, []string{stream}, oldest.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("trim %s: %w", stream, err)
	}
	n, _ := reply.(int64)
	return n, nil
}
