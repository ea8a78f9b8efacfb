package state

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// ResourceDiff is what changed between two states of a fabric.
type ResourceDiff struct {
	Created, Updated, Deleted []*ingestionv1.Resource
}

// Empty tells whether nothing changed.
func (d ResourceDiff) Empty() bool { return len(d.Created)+len(d.Updated)+len(d.Deleted) == 0 }

// DiffResources compares the fabric's resources with the stored index.
func (s *Store) DiffResources(ctx context.Context, fabricID int32, now []*ingestionv1.Resource) (ResourceDiff, error) {
	stored, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.conn.Main.HGetAll(ctx, rediskey.Resources(fabricID)).Result()
	})
	if err != nil {
		return ResourceDiff{}, fmt.Errorf("read resource index: %w", err)
	}
	var diff ResourceDiff
	for _, resource := range now {
		field := resourceField(resource.GetKey())
		raw, known := stored[field]
		delete(stored, field)
		if !known {
			diff.Created = append(diff.Created, resource)
			continue
		}
		last := &ingestionv1.Resource{}
		if err := proto.Unmarshal([]byte(raw), last); err != nil {
			return ResourceDiff{}, fmt.Errorf("decode resource %s: %w", field, err)
		}
		if !proto.Equal(last, resource) {
			diff.Updated = append(diff.Updated, resource)
		}
	}
	for field, raw := range stored {
		gone := &ingestionv1.Resource{}
		if err := proto.Unmarshal([]byte(raw), gone); err != nil {
			return ResourceDiff{}, fmt.Errorf("decode resource %s: %w", field, err)
		}
		diff.Deleted = append(diff.Deleted, gone)
	}
	return diff, nil
}

const indexBatch = 1000

// ApplyResources brings the stored index up to date. Repeating it is harmless.
func (s *Store) ApplyResources(ctx context.Context, fabricID int32, diff ResourceDiff) error {
	key := rediskey.Resources(fabricID)
	for _, set := range [][]*ingestionv1.Resource{diff.Created, diff.Updated} {
		for len(set) > 0 {
			n := min(len(set), indexBatch)
			if err := s.setResources(ctx, key, set[:n]); err != nil {
				return err
			}
			set = set[n:]
		}
	}
	for gone := diff.Deleted; len(gone) > 0; {
		n := min(len(gone), indexBatch)
		fields := make([]string, n)
		for i, resource := range gone[:n] {
			fields[i] = resourceField(resource.GetKey())
		}
		if _, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.HDel(ctx, key, fields...).Result() }); err != nil {
			return fmt.Errorf("remove from resource index: %w", err)
		}
		gone = gone[n:]
	}
	return nil
}

func (s *Store) setResources(ctx context.Context, key string, resources []*ingestionv1.Resource) error {
	values := make([]any, 0, 2*len(resources))
	for _, resource := range resources {
		raw, err := proto.Marshal(resource)
		if err != nil {
			return fmt.Errorf("encode resource: %w", err)
		}
		values = append(values, resourceField(resource.GetKey()), raw)
	}
	_, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.HSet(ctx, key, values...).Result() })
	if err != nil {
		return fmt.Errorf("write resource index: %w", err)
	}
	return nil
}

func resourceField(k *reportv1.ResourceKey) string {
	return strings.Join([]string{k.GetGroup(), k.GetKind(), k.GetNamespace(), k.GetName()}, "/")
}
