package hnp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// fabricFields are those that are asked for. A fabric has secrets in others, which nobody here reads.
const fabricFields = "id,name,status,sync_status,sync_error,last_sync,connections_count,servers_count,switches_count," +
	"vpcs_count,cached_crd_count,cached_vpc_count,cached_connection_count,last_updated"

// fabricsPath is where fabrics are.
const fabricsPath = root + "fabrics"

// Fabric is the record of a fabric itself.
type Fabric struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	SyncStatus  string     `json:"sync_status"` // any word: older plugins wrote other ones
	SyncError   string     `json:"sync_error"`
	LastSync    *time.Time `json:"last_sync"`
	LastUpdated string     `json:"last_updated"`
	Counts
}

// Counts are how many records a fabric has, as the plugin shows it.
type Counts struct {
	Connections int `json:"connections_count"`
	Servers     int `json:"servers_count"`
	Switches    int `json:"switches_count"`
	VPCs        int `json:"vpcs_count"`
	// The plugin keeps these beside those, and writes both.
	CachedAll         int `json:"cached_crd_count"`
	CachedVPCs        int `json:"cached_vpc_count"`
	CachedConnections int `json:"cached_connection_count"`
}

// CountsOf returns the counts of a fabric with so many records of each kind.
func CountsOf(byKind map[string]int) Counts {
	c := Counts{
		Connections: byKind["Connection"], Servers: byKind["Server"], Switches: byKind["Switch"], VPCs: byKind["VPC"],
		CachedVPCs: byKind["VPC"], CachedConnections: byKind["Connection"],
	}
	for _, number := range byKind {
		c.CachedAll += number
	}
	return c
}

// The words that the plugin has for how a fabric stands.
const (
	NeverSynced = "never_synced"
	InSync      = "in_sync"
	OutOfSync   = "out_of_sync"
	Syncing     = "syncing"
	SyncFailed  = "error"
)

// FabricState is what is written of a fabric.
type FabricState struct {
	SyncStatus string    // empty leaves it as it is
	SyncError  string    // empty is for none
	LastSync   time.Time // zero leaves it as it is
	Counts     *Counts   // nil leaves them as they are
}

// Fabrics returns all fabrics of a NetBox, by their numbers.
func (c *Client) Fabrics(ctx context.Context) ([]Fabric, error) {
	return whole(ctx, c, "fabrics", func(f Fabric) int64 { return f.ID }, func(offset int) (page[Fabric], error) {
		var p page[Fabric]
		_, err := c.call(ctx, http.MethodGet, fabricsPath, listed(fabricFields, offset), nil, &p, nil)
		return p, err
	})
}

// Fabric returns a fabric by its number, nil when there is none.
func (c *Client) Fabric(ctx context.Context, id int64) (*Fabric, error) {
	var found Fabric
	_, err := c.call(ctx, http.MethodGet, fabricAt(id), fabricAsked(), nil, &found, nil)
	if Is(err, Gone) {
		return nil, nil
	}
	if err == nil && found.ID != id {
		err = otherObject(http.MethodGet)
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

func fabricAt(id int64) string { return fabricsPath + "/" + strconv.FormatInt(id, 10) }

func fabricAsked() url.Values { return url.Values{"fields": {fabricFields}} }

// PutFabricState has a fabric show a state, and reports whether something was written: nothing is when the fabric as it
// was seen shows it. why goes to the change log.
func (c *Client) PutFabricState(
	ctx context.Context, id int64, seen Fabric, state FabricState, why string,
) (changed bool, err error) {
	body := state.differs(seen)
	if len(body) == 0 {
		return false, nil
	}
	g, err := c.Generation(ctx)
	if err != nil {
		return false, err
	}
	var now Fabric
	_, err = c.call(ctx, http.MethodPatch, fabricAt(id), fabricAsked(), noted(body, g, why), &now, nil)
	if err == nil && now.ID != id {
		err = otherObject(http.MethodPatch)
	}
	var said *Error
	if !errors.As(err, &said) || said.Reason != Unclear {
		return err == nil, err
	}
	found, lookErr := c.Fabric(ctx, id)
	switch {
	case lookErr != nil:
		return false, errors.Join(said, lookErr)
	case found != nil && len(state.differs(*found)) == 0:
		return true, nil
	}
	return false, undone(said)
}

// differs returns what has to be written for a fabric to show the state.
func (s FabricState) differs(seen Fabric) map[string]any {
	body := map[string]any{}
	if s.SyncStatus != "" && s.SyncStatus != seen.SyncStatus {
		body["sync_status"] = s.SyncStatus
	}
	if text := printableLines(s.SyncError); text != seen.SyncError {
		body["sync_error"] = text
	}
	if at := s.LastSync.UTC().Truncate(time.Microsecond); !s.LastSync.IsZero() &&
		(seen.LastSync == nil || !seen.LastSync.Equal(at)) {
		body["last_sync"] = at.Format(time.RFC3339Nano)
	}
	if s.Counts == nil {
		return body
	}
	for name, numbers := range map[string][2]int{
		"connections_count":       {s.Counts.Connections, seen.Connections},
		"servers_count":           {s.Counts.Servers, seen.Servers},
		"switches_count":          {s.Counts.Switches, seen.Switches},
		"vpcs_count":              {s.Counts.VPCs, seen.VPCs},
		"cached_crd_count":        {s.Counts.CachedAll, seen.CachedAll},
		"cached_vpc_count":        {s.Counts.CachedVPCs, seen.CachedVPCs},
		"cached_connection_count": {s.Counts.CachedConnections, seen.CachedConnections},
	} {
		if numbers[0] != numbers[1] {
			body[name] = numbers[0]
		}
	}
	return body
}
