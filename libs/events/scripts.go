package events

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Each file says what the script does, and what its keys and arguments are. All are safe to repeat.
var (
	//go:embed ack.lua
	ackLua string
	//go:embed dead_letter.lua
	deadLetterLua string
	//go:embed replay.lua
	replayLua string
	//go:embed trim.lua
	trimLua string

	ackScript        = redis.NewScript(ackLua)
	deadLetterScript = redis.NewScript(deadLetterLua)
	replayScript     = redis.NewScript(replayLua)
	trimScript       = redis.NewScript(trimLua)
)
