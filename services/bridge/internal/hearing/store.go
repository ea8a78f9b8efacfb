package hearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// mostKept is how many changes of a fabric are kept, and mostKeptBytes how large they may be together, but for what
	// has not been told yet: of that no content is kept then.
	mostKept      = 10_000
	mostKeptBytes = 16 << 20
	// mostEntry is how large a change may be to be kept with what the record says and said.
	mostEntry = 128 << 10
	// mostPart is how much one script is given, about: it holds Redis up as long as it runs.
	mostPart = 1 << 20
)

// Sources of what is heard.
const (
	fromLog  = "log"
	fromFeed = "feed"
)

//go:embed commit.lua
var commitLua string

// HeardStream returns the key of the stream of what was heard about a fabric. Its entries are changes as JSON.
func HeardStream(fabricID int32) string {
	return fmt.Sprintf("fgd:bridge:{%d}:fabric:%d:heard", events.ShardOf(fabricID), fabricID)
}

// KeysOf returns the keys of all that was heard about a fabric.
func KeysOf(fabricID int32) []string {
	return []string{HeardStream(fabricID), toldKey(fabricID), HeardStream(fabricID) + ":bytes"}
}

// toldKey is where it is kept up to which entry of its stream the fabric's changes have been told.
func toldKey(fabricID int32) string { return HeardStream(fabricID) + ":told" }

// placeKeys returns the keys of what is kept of a NetBox for the fabrics of a shard: it has to be in the slot of their
// streams, so that one script moves the place and keeps what was heard.
func (h *Hearing) placeKeys(shard int) []string {
	prefix := fmt.Sprintf("fgd:bridge:{%d}:netbox:%s:", shard, h.netbox)
	return []string{prefix + "place", prefix + "seen", prefix + "twins", prefix + "twins:times"}
}

// load reads how far NetBox has been heard, for some shards.
func (h *Hearing) load(ctx context.Context, shards []int) ([]*place, error) {
	var out []*place
	for _, shard := range shards {
		fields, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
			return h.deps.Redis.Main.HGetAll(ctx, h.placeKeys(shard)[0]).Result()
		})
		if err != nil {
			return nil, fmt.Errorf("read how far NetBox was heard: %w", err)
		}
		p, err := readPlace(shard, fields)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func readPlace(shard int, fields map[string]string) (*place, error) {
	p := &place{shard: shard, feed: fields["feed"]}
	if len(fields) == 0 {
		return p, nil
	}
	version, err := strconv.ParseInt(fields["version"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read how far NetBox was heard: %w", err)
	}
	feedAt, err := strconv.ParseInt(fields["feed_at"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read how far NetBox was heard: %w", err)
	}
	p.version, p.feedAt = version, time.UnixMilli(feedAt)
	if err := json.Unmarshal([]byte(fields["marks"]), &p.marks); err != nil {
		return nil, fmt.Errorf("read how far NetBox was heard: %w", err)
	}
	if err := json.Unmarshal([]byte(fields["done"]), &p.done); err != nil {
		return nil, fmt.Errorf("read how far NetBox was heard: %w", err)
	}
	return p, nil
}

// fields returns a place as it is kept.
func (p *place) fields() []any {
	marks, _ := json.Marshal(p.marks) // numbers
	done, _ := json.Marshal(p.done)
	return []any{"feed", p.feed, "feed_at", p.feedAt.UnixMilli(), "marks", marks, "done", done}
}

// seen returns which numbers of the change log from one on are known.
func (h *Hearing) seen(ctx context.Context, p *place, from int64) (map[int64]bool, error) {
	numbers, err := redisconn.Repeat(ctx, func() ([]string, error) {
		return h.deps.Redis.Main.ZRangeByScore(ctx, h.placeKeys(p.shard)[1], &redis.ZRangeBy{
			Min: strconv.FormatInt(from, 10), Max: "+inf",
		}).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read what was seen of the change log: %w", err)
	}
	out := make(map[int64]bool, len(numbers))
	for _, text := range numbers {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read what was seen of the change log: %w", err)
		}
		out[number] = true
	}
	return out, nil
}

// heard is a change that was told, and the fabrics that it is about; none where nobody has to know.
type heard struct {
	source  string
	number  int64  // in the change log; 0 in the feed
	place   string // in the feed
	change  Change
	fabrics []int32
	counts  bool   // it is about one of them, though nobody may have to know
	entry   []byte // the change as it is kept
	bare    []byte // the same without what the record says
}

// twin returns what a change goes by for the other source; empty where that does not tell of it.
func (one heard) twin() string {
	c := one.change
	if c.RequestID == "" || !one.counts {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d\x00%s\x00%s",
		c.Kind, c.RecordID, c.Identity.Fabric, c.Action, c.RequestID))
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}

// commit keeps what was heard for the fabrics of a shard, with the numbers of the change log that are known now, and
// moves the place. It returns of each whether it was kept now.
func (h *Hearing) commit(ctx context.Context, p *place, all []heard, seen []int64) ([]bool, error) {
	now, keys := h.deps.Now(), h.placeKeys(p.shard)
	least := int64(0)
	if len(p.marks) > 0 {
		least = p.from()
	}
	fields := p.fields()
	args := []any{
		h.fence, uuid.NewString(), p.version, mostKept, mostKeptBytes, least, now.UnixMilli(), now.Add(-overlap).UnixMilli(),
		len(fields) / 2,
	}
	args = append(append(args, fields...), len(seen))
	for _, number := range seen {
		args = append(args, number)
	}
	streams := map[int32]int{}
	for _, one := range all {
		number := ""
		if one.number > 0 {
			number = strconv.FormatInt(one.number, 10)
		}
		args = append(args, one.source, number, one.twin(), len(one.fabrics), one.entry, one.bare)
		for _, fabric := range one.fabrics {
			if streams[fabric] == 0 {
				streams[fabric] = len(streams) + 1
				keys = append(keys, KeysOf(fabric)...)
			}
			args = append(args, streams[fabric])
		}
	}
	reply, err := h.deps.Redis.Run(ctx, redis.NewScript(commitLua), keys, args...)
	if err != nil {
		return nil, fmt.Errorf("keep what was heard: %w", err)
	}
	answer, _ := reply.(string)
	switch {
	case answer == "fenced":
		return nil, ErrFenced
	case answer == "moved" || len(answer) != len(all):
		return nil, errMoved
	}
	p.version++
	fresh := make([]bool, len(all))
	for i := range all {
		fresh[i] = answer[i] == '1'
	}
	return fresh, nil
}

// encode prepares a change for being kept, when it is to be. What is too large is kept without what the record says.
func (one *heard) encode() (err error) {
	if len(one.fabrics) == 0 {
		return nil
	}
	if one.entry, err = json.Marshal(one.change); err != nil {
		return fmt.Errorf("encode a change: %w", err)
	}
	bare := one.change
	bare.Before, bare.After, bare.Bare = nil, nil, true
	if one.bare, err = json.Marshal(bare); err != nil {
		return fmt.Errorf("encode a change: %w", err)
	}
	odd := one.change.After != nil && !one.change.After.Plain()
	if len(one.entry) > mostEntry || odd {
		one.entry = one.bare
	}
	return nil
}

// partOf returns how many changes one script is given.
func partOf(page []heard) int {
	size := 0
	for i, one := range page {
		if size += len(one.entry) + len(one.bare); size > mostPart {
			return max(1, i)
		}
	}
	return len(page)
}

// decodeChange reads an entry of a stream.
func decodeChange(entry string) (Change, error) {
	var c Change
	decoder := json.NewDecoder(bytes.NewReader([]byte(entry)))
	decoder.UseNumber()
	err := decoder.Decode(&c)
	return c, err
}

// Read returns what was heard about a fabric after an entry of its stream, at most a number of changes, and the entry
// of the last one. From the beginning is after "0".
func Read(ctx context.Context, conn *redisconn.Conn, fabricID int32, after string, limit int64) (
	changes []Change, last string, err error,
) {
	messages, err := redisconn.Repeat(ctx, func() ([]redis.XMessage, error) {
		return conn.Main.XRangeN(ctx, HeardStream(fabricID), "("+after, "+", limit).Result()
	})
	if err != nil {
		return nil, after, fmt.Errorf("read what was heard: %w", err)
	}
	if changes, err = changesOf(messages); err != nil {
		return nil, after, err
	}
	if len(messages) > 0 {
		after = messages[len(messages)-1].ID
	}
	return changes, after, nil
}

// changesOf reads entries of a stream.
func changesOf(messages []redis.XMessage) ([]Change, error) {
	changes := make([]Change, len(messages))
	for i, message := range messages {
		entry, _ := message.Values[events.Field].(string)
		var err error
		if changes[i], err = decodeChange(entry); err != nil {
			return nil, fmt.Errorf("read entry %s of what was heard: %w", message.ID, err)
		}
		changes[i].Entry = message.ID
	}
	return changes, nil
}

// linked are the fabrics of a NetBox that are linked: ours by the numbers of their records.
type linked map[int64]int32

func (h *Hearing) fabrics(ctx context.Context) (linked, error) {
	found, err := h.deps.Fabrics(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask which fabrics are linked: %w", err)
	}
	return found, nil
}

// of returns those of our fabrics in a shard that a change is about, each once.
func (l linked) of(c Change, shard int) []int32 {
	var out []int32
	for _, of := range []*hnp.Identity{&c.Identity, c.Was} {
		if of == nil {
			continue
		}
		fabric, is := l[of.Fabric]
		if is && events.ShardOf(fabric) == shard && (len(out) == 0 || out[0] != fabric) {
			out = append(out, fabric)
		}
	}
	return out
}
