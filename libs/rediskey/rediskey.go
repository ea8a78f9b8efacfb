// Package rediskey names the keys in Redis. All keys of one fabric and the streams they feed carry the hash tag of
// the fabric's shard, so that one script can change them together, on a Cluster too. The number of shards is fixed:
// changing it would orphan what is stored.
package rediskey

import "fmt"

// Shards is the number of hash tags, and of work streams.
const Shards = 8

// Registry guards changes of the register of fabrics.
const Registry = "fgd:{registry}:lock"

// NextFabricID counts fabric ids that the system chooses.
const NextFabricID = "fgd:{registry}:next-fabric-id"

// Complete says that Redis has all that it should have. It is gone when Redis has lost its data.
const Complete = "fgd:{registry}:complete"

// Shard tells the shard of a fabric.
func Shard(fabricID int32) int { return int(uint32(fabricID) % Shards) }

func tag(shard int) string { return fmt.Sprintf("fgd:{%d}", shard) }

func fabric(id int32, what string) string {
	return fmt.Sprintf("%s:fabric:%d:%s", tag(Shard(id)), id, what)
}

// Work is the stream of syncs that wait for a worker.
func Work(shard int) string { return tag(shard) + ":work" }

// Events is the event bus of a shard.
func Events(shard int) string { return tag(shard) + ":events" }

// DeadLetters keeps what could not be handled.
func DeadLetters(shard int) string { return tag(shard) + ":dead-letters" }

// Fabrics is the set of the fabric ids of a shard.
func Fabrics(shard int) string { return tag(shard) + ":fabrics" }

// Deleted holds up to which generation the fabrics of a shard were deleted.
func Deleted(shard int) string { return tag(shard) + ":deleted" }

// Fabric is the definition of a fabric.
func Fabric(id int32) string { return fabric(id, "definition") }

// Run says which sync of a fabric is active and which ones wait.
func Run(id int32) string { return fabric(id, "run") }

// Lock is the lock on a fabric.
func Lock(id int32) string { return fabric(id, "lock") }

// Resources is the index of a fabric's resources.
func Resources(id int32) string { return fabric(id, "resources") }

// History orders the syncs of a fabric by the time they were accepted.
func History(id int32) string { return fabric(id, "history") }

// Request remembers the answer to a request.
func Request(id int32, requestID string) string { return fabric(id, "request:"+requestID) }

// Sync is the record of a sync.
func Sync(id int32, syncID string) string { return fabric(id, "sync:"+syncID) }

// SyncEvents is the live progress of a sync.
func SyncEvents(id int32, syncID string) string { return Sync(id, syncID) + ":events" }
