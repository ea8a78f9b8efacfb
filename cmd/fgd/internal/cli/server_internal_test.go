package cli

import "testing"

// TestTheFirstTokenIsForThisMachine: which servers are on it, so that what fgd up leaves here is shown to no other.
func TestTheFirstTokenIsForThisMachine(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]bool{
		"127.0.0.1:9090": true, "[::1]:9090": true, "localhost:9090": true, "https://localhost:9090/": true,
		"fgd.example.com:9090": false, "https://fgd.example.com:9090": false, "192.0.2.1:9090": false,
		"127.0.0.1.example.com:9090": false, "localhost.example.com:9090": false, "nothing": false,
	} {
		if got := isHere(server); got != want {
			t.Errorf("%s is taken for one here: %t", server, got)
		}
	}
}
