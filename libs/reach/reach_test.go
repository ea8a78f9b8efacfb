package reach_test

import (
	"testing"

	"fgdsync.dev/libs/reach"
)

// TestAnyButNever: private networks and this machine may be connected to, what the machinery of clouds answers at
// never.
func TestAnyButNever(t *testing.T) {
	t.Parallel()
	for address, permitted := range map[string]bool{
		"127.0.0.1:80": true, "10.1.2.3:443": true, "[fd12::1]:443": true, "8.8.8.8:443": true, "[2a00:1450::1]:443": true,
		"169.254.169.254:80": false, "[::ffff:169.254.169.254]:80": false, "[fe80::1%eth0]:80": false, "224.0.0.1:80": false,
		"0.0.0.0:80": false, "[::]:80": false, "[64:ff9b::a9fe:a9fe]:80": false, "[2002:a9fe:a9fe::1]:80": false,
		"nonsense": false,
	} {
		if err := reach.AnyButNever("tcp", address, nil); (err == nil) != permitted {
			t.Errorf("%s: %v", address, err)
		}
	}
}
