package state

import (
	"fmt"
	"strconv"

	"fgdsync.dev/libs/events"
)

// RegisterLock is the key of the lock on the register of fabrics.
const RegisterLock = "fgd:{registry}:lock"

// CompleteKey says that Redis has all that it should have. It is gone when Redis has lost its data.
const CompleteKey = "fgd:{registry}:complete"

// nextFabricKey counts the numbers of fabrics that the system chooses.
const nextFabricKey = "fgd:{registry}:next-fabric-id"

func fabricPart(id int32, part string) string {
	return events.Prefix(events.ShardOf(id)) + ":fabric:" + strconv.Itoa(int(id)) + ":" + part
}

// fabricsKey holds the numbers of the fabrics of a shard.
func fabricsKey(shard int) string { return events.Prefix(shard) + ":fabrics" }

// deletedKey holds up to which generation the fabrics of a shard were deleted.
func deletedKey(shard int) string { return events.Prefix(shard) + ":deleted" }

// FabricKey returns the key of the definition of a fabric.
func FabricKey(id int32) string { return fabricPart(id, "definition") }

// RunKey returns the key of what says which sync of a fabric is active and which ones wait.
func RunKey(id int32) string { return fabricPart(id, "run") }

// LockKey returns the key of the lock on a fabric.
func LockKey(id int32) string { return fabricPart(id, "lock") }

// resourcesKey holds the index of a fabric's resources.
func resourcesKey(id int32) string { return fabricPart(id, "resources") }

// historyKey orders the syncs of a fabric by the time they were accepted.
func historyKey(id int32) string { return fabricPart(id, "history") }

// foldedKey holds the outcomes of the syncs of a day that were folded; days count from 1970.
func foldedKey(id int32, day int64) string { return fabricPart(id, fmt.Sprintf("folded:%d", day)) }

// requestKey remembers the answer to a request.
func requestKey(id int32, requestID string) string { return fabricPart(id, "request:"+requestID) }

// SyncKey returns the key of the record of a sync.
func SyncKey(id int32, syncID string) string { return fabricPart(id, "sync:"+syncID) }

// syncEventsKey holds the live progress of a sync.
func syncEventsKey(id int32, syncID string) string { return SyncKey(id, syncID) + ":events" }
