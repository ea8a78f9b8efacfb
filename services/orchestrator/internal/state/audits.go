package state

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/redisconn"
)

// auditHeadsKey has the heads of the audits of bridges by their logs, each with when it was told.
const auditHeadsKey = "fgd:{registry}:audit-heads"

// auditHeadKept is for how long a head is named whose bridge says nothing any more.
const auditHeadKept = 30 * 24 * time.Hour

// RecordAuditHead remembers the head of the audit of a bridge. It comes back after a loss: bridges tell it again.
func (s *Store) RecordAuditHead(ctx context.Context, head chain.Head) error {
	value := fmt.Sprint(s.now().Unix(), " ", head)
	_, err := redisconn.Repeat(ctx, func() (int64, error) {
		return s.conn.Main.HSet(ctx, auditHeadsKey, head.Log, value).Result()
	})
	if err != nil {
		return fmt.Errorf("store the head of an audit: %w", err)
	}
	return nil
}

// AuditHeads returns the newest heads that bridges have told, by the names of their logs. What is no head is left out.
func (s *Store) AuditHeads(ctx context.Context) ([]string, error) {
	found, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.conn.Main.HGetAll(ctx, auditHeadsKey).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read the heads of audits: %w", err)
	}
	var heads []string
	for _, log := range slices.Sorted(maps.Keys(found)) {
		told, text, _ := strings.Cut(found[log], " ")
		seconds, err := strconv.ParseInt(told, 10, 64)
		head, ok := chain.ParseHead(text)
		if err == nil && ok && head.Log == log && s.now().Sub(time.Unix(seconds, 0)) < auditHeadKept {
			heads = append(heads, text)
		}
	}
	return heads[:min(len(heads), chain.MaxHeads)], nil
}
