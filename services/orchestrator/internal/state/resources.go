package state

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/redisconn"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// ResourceDiff is what changed between two states of a fabric.
type ResourceDiff struct {
	Created, Updated, Deleted []*ingestionv1.Resource
}

// Empty reports whether nothing changed.
func (d ResourceDiff) Empty() bool { return len(d.Created)+len(d.Updated)+len(d.Deleted) == 0 }

// digestField is where the digest of a complete index stands. No resource is called so: their fields have slashes.
const digestField = "digest"

// Index is what each resource of a fabric was after the last sync.
type Index struct {
	Resources map[string]*ingestionv1.Resource // by the text of the id
	Digest    string                           // empty when there is no index, or while it is being brought up to date
}

// NewIndex returns the index of resources, of which the digest is given.
func NewIndex(resources []*ingestionv1.Resource, digest string) Index {
	index := Index{Digest: digest, Resources: make(map[string]*ingestionv1.Resource, len(resources))}
	for _, resource := range resources {
		index.Resources[IDOf(resource.GetKey()).String()] = resource
	}
	return index
}

// Complete reports whether the index has all resources that the last sync left.
func (x Index) Complete() bool { return x.Digest != "" }

// Resources returns the stored index of a fabric.
func (s *Store) Resources(ctx context.Context, fabricID int32) (Index, error) {
	stored, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.conn.Main.HGetAll(ctx, resourcesKey(fabricID)).Result()
	})
	if err != nil {
		return Index{}, fmt.Errorf("read resource index: %w", err)
	}
	index := Index{Digest: stored[digestField], Resources: make(map[string]*ingestionv1.Resource, len(stored))}
	delete(stored, digestField)
	for field, raw := range stored {
		resource := &ingestionv1.Resource{}
		if err := proto.Unmarshal([]byte(raw), resource); err != nil {
			return Index{}, fmt.Errorf("decode resource %s: %w", field, err)
		}
		index.Resources[field] = resource
	}
	return index, nil
}

// Diff says how the resources of a fabric differ from the index.
func (x Index) Diff(now []*ingestionv1.Resource) ResourceDiff {
	var diff ResourceDiff
	left := make(map[string]bool, len(now))
	for _, resource := range now {
		field := IDOf(resource.GetKey()).String()
		left[field] = true
		last, known := x.Resources[field]
		switch {
		case !known:
			diff.Created = append(diff.Created, resource)
		case !proto.Equal(last, resource):
			diff.Updated = append(diff.Updated, resource)
		}
	}
	for field, resource := range x.Resources {
		if !left[field] {
			diff.Deleted = append(diff.Deleted, resource)
		}
	}
	return diff
}

const indexBatch = 1000

// ApplyResources brings the stored index up to date, of which the digest is given. Repeating it is harmless. An index
// that is half way has no digest.
func (s *Store) ApplyResources(ctx context.Context, fabricID int32, diff ResourceDiff, digest string) error {
	key := resourcesKey(fabricID)
	if !diff.Empty() {
		if err := s.removeResources(ctx, key, []string{digestField}); err != nil {
			return err
		}
	}
	if err := s.applyDiff(ctx, key, diff); err != nil {
		return err
	}
	_, err := redisconn.Repeat(ctx, func() (int64, error) {
		return s.conn.Main.HSet(ctx, key, digestField, digest).Result()
	})
	if err != nil {
		return fmt.Errorf("write digest of the resource index: %w", err)
	}
	return nil
}

func (s *Store) applyDiff(ctx context.Context, key string, diff ResourceDiff) error {
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
			fields[i] = IDOf(resource.GetKey()).String()
		}
		if err := s.removeResources(ctx, key, fields); err != nil {
			return err
		}
		gone = gone[n:]
	}
	return nil
}

func (s *Store) removeResources(ctx context.Context, key string, fields []string) error {
	if _, err := redisconn.Repeat(ctx, func() (int64, error) {
		return s.conn.Main.HDel(ctx, key, fields...).Result()
	}); err != nil {
		return fmt.Errorf("remove from resource index: %w", err)
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
		values = append(values, IDOf(resource.GetKey()).String(), raw)
	}
	_, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.HSet(ctx, key, values...).Result() })
	if err != nil {
		return fmt.Errorf("write resource index: %w", err)
	}
	return nil
}

// IDOf returns which resource a key names. The index has a resource under the text of its id.
func IDOf(k *reportv1.ResourceKey) hedgehog.ResourceID {
	return hedgehog.ResourceID{
		Group: k.GetGroup(), Kind: k.GetKind(), Namespace: k.GetNamespace(), Name: k.GetName(),
	}
}
