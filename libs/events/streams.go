package events

import "fmt"

// Shards is the number of hash tags, and of streams of each kind. All keys of one fabric, and the streams that they
// feed, carry the hash tag of the fabric's shard, so that one script can change them together, on a Cluster too. The
// number is fixed: changing it would orphan what is stored.
const Shards = 8

// ShardOf returns the shard of a fabric.
func ShardOf(fabricID int32) int { return int(uint32(fabricID) % Shards) }

// Prefix returns how all keys of a shard begin.
func Prefix(shard int) string { return fmt.Sprintf("fgd:{%d}", shard) }

// WorkStream returns the key of the stream of syncs that wait for a worker.
func WorkStream(shard int) string { return Prefix(shard) + ":work" }

// BusStream returns the key of the stream of events that tell what happened.
func BusStream(shard int) string { return Prefix(shard) + ":events" }

// DeadLetterStream returns the key of the stream of what could not be handled.
func DeadLetterStream(shard int) string { return Prefix(shard) + ":dead-letters" }
