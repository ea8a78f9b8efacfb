package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// netboxKey holds the NetBox of the installation, and its generation.
const netboxKey = "fgd:{registry}:netbox"

// NetBox reads the NetBox of the installation; an empty one when none is stored.
func (s *Store) NetBox(ctx context.Context) (*fabricv1.NetBox, error) {
	raw, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.HGet(ctx, netboxKey, "record").Result()
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the NetBox: %w", err)
	}
	netbox := &fabricv1.NetBox{}
	if err := proto.Unmarshal([]byte(raw), netbox); err != nil {
		return nil, fmt.Errorf("decode the NetBox: %w", err)
	}
	return netbox, nil
}

// PutNetBox stores a NetBox in the place of the one of a generation: FGD_3017 when there is another one since.
func (s *Store) PutNetBox(ctx context.Context, netbox *fabricv1.NetBox, read int64) error {
	verdict, err := s.putNetBox(ctx, "put", netbox, read)
	if err == nil && verdict == "changed" {
		return errs.New(errs.NetBoxChanged, "The NetBox was changed by somebody else.")
	}
	return err
}

// RecoverNetBox brings the NetBox back, unless Redis has it as new or newer. It reports whether it did.
func (s *Store) RecoverNetBox(ctx context.Context, netbox *fabricv1.NetBox) (bool, error) {
	verdict, err := s.putNetBox(ctx, "recover", netbox, 0)
	return verdict == "ok", err
}

func (s *Store) putNetBox(ctx context.Context, mode string, netbox *fabricv1.NetBox, read int64) (string, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(netbox)
	if err != nil {
		return "", fmt.Errorf("encode the NetBox: %w", err)
	}
	reply, err := s.conn.Run(ctx, s.scripts.putNetBox, []string{netboxKey}, mode, read, netbox.GetGeneration(), raw)
	if err != nil {
		return "", fmt.Errorf("store the NetBox: %w", err)
	}
	verdict, _ := reply.(string)
	return verdict, nil
}
