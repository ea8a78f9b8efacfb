// Netboxlab runs a NetBox until it is interrupted, and says where it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fgdsync.dev/test/netbox/lab"
)

func main() {
	kept := flag.String("kept", ".cache/netbox", "the `folder` of what is made once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *kept); err != nil {
		fmt.Fprintln(os.Stderr, "netboxlab:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func serve(ctx context.Context, kept string) (err error) {
	began := time.Now()
	tell := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	l, err := lab.Open(ctx, kept, tell)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	n, err := l.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	fmt.Printf(`NetBox %s is ready after %.0f s. Ctrl-C ends it.
  pages  %s  user %s, password %s
  API    curl -H "Authorization: %s" %s/api/status/
`, l.Version, time.Since(began).Seconds(), n.URL, lab.User, lab.Password, n.Token, n.URL)
	<-ctx.Done()
	return nil
}
