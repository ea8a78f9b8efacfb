package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Release gives back a NetBox that is no longer used. The next one that is to be as it was begun gets its web
// processes, which take longest to start, over a database that is cloned anew. One that something was done to ends.
func (n *NetBox) Release() error {
	if n.altered || !n.web.runs() || !n.worker.runs() {
		return n.Stop()
	}
	n.worker.stop() // what it does would go on in the database of the next one
	n.worker = nil
	n.lab.mu.Lock()
	defer n.lab.mu.Unlock()
	n.lab.idle = append(n.lab.idle, n)
	return nil
}

// released returns a NetBox that was given back and is like another one, or nil.
func (l *Lab) released(like *NetBox) *NetBox {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.idle, func(n *NetBox) bool { return n.likeness() == like.likeness() })
	if i < 0 {
		return nil
	}
	n := l.idle[i]
	l.idle = slices.Delete(l.idle, i, i+1)
	return n
}

// likeness says what options have made of a NetBox.
func (n *NetBox) likeness() string { return fmt.Sprint(n.plugins, n.settings, n.packages) }

// renew makes a NetBox that was given back one that nobody has used.
func (n *NetBox) renew(ctx context.Context) error {
	if err := n.lab.pg.drop(ctx, n.name); err != nil {
		return err
	}
	if err := n.lab.pg.clone(ctx, n.name); err != nil {
		return err
	}
	for _, url := range []string{n.Tasks.URL(), n.Caching.URL()} {
		if err := empty(ctx, url); err != nil {
			return err
		}
	}
	n.Token = ""
	if err := n.StartWorker(ctx); err != nil {
		return err
	}
	return n.provision(ctx)
}

// empty takes everything out of a redis-server.
func empty(ctx context.Context, url string) (err error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	return client.FlushAll(ctx).Err()
}
