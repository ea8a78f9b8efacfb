package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestCallersOverTLS: with an authority of one's own, a sync is asked for and followed over https and wss, and commands
// reach the system with --ca-file. Without the authority, with another one and in clear nobody reaches it, and is told
// what to do.
func TestCallersOverTLS(t *testing.T) {
	t.Parallel()
	h, host := newHost(t, fabric.PreInit(directory)), system.OwnHost()
	certs, others := filepath.Join(t.TempDir(), "certs"), filepath.Join(t.TempDir(), "others")
	for _, folder := range []string{certs, others} {
		if made := programs.Run(t, nil, "certs", "init", folder, "--ip", host); made.Code != 0 {
			t.Fatalf("certs init: exit %d\n%s", made.Code, made.Output())
		}
	}
	s := programs.UpTLS(t, host, certs, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	lines := s.Follow(registered.SyncID)
	h.requireIngested(s.Ended(registered.SyncID))
	if lines[0] != "sync.started" || lines[len(lines)-1] != "sync.completed" {
		t.Errorf("followed over https: %v", lines)
	}
	webSocket := s.Base + "/ws/sync-progress/" + registered.SyncID + "/"
	if got := webSocketMessages(t, s.Client(), webSocket); !slices.Equal(got, lines) {
		t.Errorf("followed over wss: %v, not %v", got, lines)
	}
	stranger := &http.Client{Transport: system.Showing(s.Token(), &http.Transport{DisableKeepAlives: true})}
	for _, address := range []string{"wss" + strings.TrimPrefix(webSocket, "https"), "ws" + strings.TrimPrefix(webSocket,
		"https")} {
		conn, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPClient: stranger})
		if err == nil {
			_ = conn.CloseNow()
			t.Errorf("%s was followed without the authority", address)
		}
	}
	overTLS(t, s, filepath.Join(certs, "ca.crt"), filepath.Join(others, "ca.crt"))
}

// overTLS runs commands for a system that speaks TLS, with its authority and with another one.
func overTLS(t *testing.T, s *system.System, own, other string) {
	t.Helper()
	reached := "https://" + s.GRPC
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--server", reached, "--ca-file", own}, 0, ""},
		{[]string{"--server", reached + "/", "--ca-file", own}, 0, ""},
		{[]string{"--server", reached}, 5, "--ca-file"},
		{[]string{"--server", reached, "--ca-file", other}, 5, "--ca-file"},
		{[]string{"--server", reached, "--ca-file", own + ".none"}, 2, "has no certificate that can be read"},
		{[]string{"--server", reached, "--ca-file", s.TokenFile}, 2, "has no certificate that can be read"},
		{[]string{"--server", s.GRPC, "--ca-file", own}, 2, "--server https://" + s.GRPC},
		{[]string{"--server", s.GRPC}, 5, "https://"},
	} {
		for _, command := range []string{"token list", "audit verify", "dead-letters list", "state rebuild"} {
			args := append(strings.Fields(command), c.args...)
			result := programs.Run(t, nil, append(args, "--token-file", s.TokenFile)...)
			if result.Code != c.code || !strings.Contains(result.Stderr, c.says) {
				t.Errorf("%v: exit %d, not %d with %q\n%s", args, result.Code, c.code, c.says, result.Output())
			}
		}
	}
}
