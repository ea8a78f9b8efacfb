package state

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Each file says what the script does, and what its keys and arguments are.
var (
	//go:embed activate.lua
	activateLua string
	//go:embed leave.lua
	leaveLua string
	//go:embed ring.lua
	ringLua string
	//go:embed start.lua
	startLua string
	//go:embed write.lua
	writeLua string
	//go:embed cancel.lua
	cancelLua string
	//go:embed delete_fabric.lua
	deleteFabricLua string
	//go:embed put_fabric.lua
	putFabricLua string
	//go:embed put_token.lua
	putTokenLua string
	//go:embed put_netbox.lua
	putNetBoxLua string
	//go:embed recover_fabric.lua
	recoverFabricLua string
	//go:embed recover_sync.lua
	recoverSyncLua string
	//go:embed index_syncs.lua
	indexSyncsLua string
	//go:embed revive.lua
	reviveLua string
	//go:embed thin.lua
	thinLua string
	//go:embed fold.lua
	foldLua string
	//go:embed set_pull_request.lua
	setPullRequestLua string
	//go:embed follow_edit.lua
	followEditLua string
	//go:embed note_edit.lua
	noteEditLua string
)

// scripts are the changes that Redis makes in one step. All are safe to repeat.
type scripts struct {
	start, write, cancel, revive            *redis.Script
	putFabric, deleteFabric, setPullRequest *redis.Script
	followEdit, noteEdit                    *redis.Script
	recoverFabric, recoverSync              *redis.Script
	putToken, putNetBox                     *redis.Script
	thin, fold, indexSyncs                  *redis.Script
}

func newScripts() scripts {
	return scripts{
		start:          redis.NewScript(activateLua + startLua),
		write:          redis.NewScript(activateLua + leaveLua + ringLua + writeLua),
		cancel:         redis.NewScript(cancelLua),
		revive:         redis.NewScript(activateLua + leaveLua + reviveLua),
		putFabric:      redis.NewScript(ringLua + putFabricLua),
		deleteFabric:   redis.NewScript(ringLua + deleteFabricLua),
		setPullRequest: redis.NewScript(setPullRequestLua),
		followEdit:     redis.NewScript(followEditLua),
		noteEdit:       redis.NewScript(noteEditLua),
		putToken:       redis.NewScript(putTokenLua),
		putNetBox:      redis.NewScript(putNetBoxLua),
		recoverFabric:  redis.NewScript(recoverFabricLua),
		recoverSync:    redis.NewScript(activateLua + recoverSyncLua),
		thin:           redis.NewScript(thinLua),
		fold:           redis.NewScript(foldLua),
		indexSyncs:     redis.NewScript(indexSyncsLua),
	}
}
