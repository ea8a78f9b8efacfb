package events

import "strconv"

// Shards is the number of hash tags, and of streams of each kind. All keys of one fabric, and the streams that they
// feed, carry the hash tag of the fabric's shard, so that one script can change them together, on a Cluster too. The
// number is fixed: changing it would orphan what is stored.
const Shards = 8

// ShardOf returns the shard of a fabric.
func ShardOf(fabricID int32) int { return int(uint32(fabricID) % Shards) }

// Prefix returns how all keys of a shard begin.
func Prefix(shard int) string { return "fgd:{" + strconv.Itoa(shard) + "}" }

// WorkStream returns the key of the stream of syncs that wait for a worker.
func WorkStream(shard int) string { return Prefix(shard) + ":work" }

// BusStream returns the key of the stream of events that tell what happened.
func BusStream(shard int) string { return Prefix(shard) + ":events" }

// Bell is the channel on which the number of a fabric is said when there are events of it, by the scripts that append
// them. It is a hint for those who show how fabrics are: who was not connected has missed it.
const Bell = "fgd:bell"

// DeadLetterStream returns the key of the stream of what could not be handled.
func DeadLetterStream(shard int) string { return Prefix(shard) + ":dead-letters" }

// notifications begins the keys of what is told outside. There is little of it, so that one shard has all: what a
// fabric's state becomes and what targets are told is then one step.
var notifications = Prefix(0) + ":notifications:"

// NotificationStream returns the key of the stream of what a target of notifications is to be told.
func NotificationStream(target string) string { return notifications + "target:" + target }

// NotificationTargets returns the key of the hash of what is noted of targets beside what they are to be told.
func NotificationTargets() string { return notifications + "targets" }

// NotificationStates returns the key of the hash of what is the matter with each fabric, as it was told.
func NotificationStates() string { return notifications + "fabrics" }

// NotificationStart returns the key of the time from which on events are told.
func NotificationStart() string { return notifications + "start" }

// NotificationDeadLetters returns the key of the stream of what could not be told of the events of a shard, and of
// notifications that nobody took. It is not that of syncs: many of the one push none of the other out.
func NotificationDeadLetters(shard int) string { return Prefix(shard) + ":notifications:dead-letters" }

// DeadLetterStreams returns the keys of all streams of dead letters: first those of syncs, by shard, then those of
// notifications.
func DeadLetterStreams() []string {
	var all []string
	for shard := range Shards {
		all = append(all, DeadLetterStream(shard))
	}
	for shard := range Shards {
		all = append(all, NotificationDeadLetters(shard))
	}
	return all
}
