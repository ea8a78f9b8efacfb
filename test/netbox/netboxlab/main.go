// Netboxlab runs a NetBox until it is interrupted, and says where it is. With -prepare it makes what is made once, and
// ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/test/system"
)

func main() {
	kept := flag.String("kept", ".cache/netbox", "the `folder` of what is made once")
	prepare := flag.Bool("prepare", false, "make what is made once, and run nothing")
	settings := map[string]any{}
	flag.Func("plugin-config", "settings of netbox_fgd_sync, as `JSON`", func(text string) error {
		return json.Unmarshal([]byte(text), &settings)
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return serve(ctx, *kept, settings) }
	if *prepare {
		run = func() error { return makeKept(ctx, *kept) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "netboxlab:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func makeKept(ctx context.Context, kept string) error {
	l, err := lab.Open(ctx, kept, tell)
	if err != nil {
		return err
	}
	return l.Close()
}

func serve(ctx context.Context, kept string, settings map[string]any) (err error) {
	began := time.Now()
	l, err := lab.Open(ctx, kept, tell)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	n, err := l.Start(ctx, lab.WithPluginConfig(settings))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	front, err := inFront(ctx, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.Close()) }()
	fmt.Printf(`NetBox %s is ready after %.0f s. Ctrl-C ends it.
  pages  %s  user %s, password %s
  API    curl -H "Authorization: %s" %s/api/status/
`, l.Version, time.Since(began).Seconds(), "http://"+front.Addr, lab.User, lab.Password, n.Token, n.URL)
	<-ctx.Done()
	return nil
}

// inFront serves a NetBox with what its pages are drawn with, as a web server in front of it does elsewhere.
func inFront(ctx context.Context, n *lab.NetBox) (*http.Server, error) {
	if err := n.Manage(ctx, nil, "collectstatic", "--no-input"); err != nil {
		return nil, err
	}
	target, err := url.Parse(n.URL)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(system.OwnHost(), "0"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(n.Static()))))
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}})
	server := &http.Server{Addr: listener.Addr().String(), Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	return server, nil
}
