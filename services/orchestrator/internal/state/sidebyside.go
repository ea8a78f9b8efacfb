package state

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	// readAtOnce is how many records are read in one request of many.
	readAtOnce = 500
	// besides is how many such requests are under way at one time.
	besides = 4
)

// sideBySide reads parts, some at a time: while Redis gathers one, others are decoded. What it returns is in the order
// of the parts.
func sideBySide[P, R any](ctx context.Context, parts []P, read func(context.Context, P) ([]R, error)) ([]R, error) {
	found := make([][]R, len(parts))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(besides)
	for i, part := range parts {
		work.Go(func() (err error) {
			found[i], err = read(ctx, part)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}
