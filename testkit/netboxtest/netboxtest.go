// Package netboxtest serves emulated NetBoxes to tests.
package netboxtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"fgdsync.dev/libs/netboxserver"
)

// Start serves one until the test ends.
func Start(t testing.TB) *netboxserver.Server {
	t.Helper()
	return StartVersion(t, netboxserver.Version)
}

// StartVersion serves one of a version until the test ends.
func StartVersion(t testing.TB, version string) *netboxserver.Server {
	t.Helper()
	s, err := netboxserver.New(version)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// SendWebhooks has one post its webhooks to an address until the test ends.
func SendWebhooks(t testing.TB, s *netboxserver.Server, url, secret string) *netboxserver.Webhooks {
	t.Helper()
	w := s.SendWebhooks(url, secret)
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	transport := &http.Transport{}
	var work sync.WaitGroup
	work.Go(func() { w.Run(ctx, &http.Client{Transport: transport}) })
	t.Cleanup(func() { end(); work.Wait(); transport.CloseIdleConnections() })
	return w
}
