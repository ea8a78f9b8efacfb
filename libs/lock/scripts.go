package lock

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Each file says what the script does, and what its keys and arguments are.
var (
	//go:embed acquire.lua
	acquireLua string
	//go:embed raise.lua
	raiseLua string
	//go:embed leave.lua
	leaveLua string
	//go:embed renew.lua
	renewLua string
	//go:embed release.lua
	releaseLua string
)

// scripts are what Redis does to a lock in one step. All are safe to repeat.
type scripts struct{ acquire, raise, leave, renew, release *redis.Script }

func newScripts() scripts {
	return scripts{
		acquire: redis.NewScript(acquireLua), raise: redis.NewScript(raiseLua), leave: redis.NewScript(leaveLua),
		renew: redis.NewScript(renewLua), release: redis.NewScript(releaseLua),
	}
}
