package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fgdsync.dev/testkit/redistest"
)

// TestRetiredLogs: each that is named on the command line is judged by the bridge.
func TestRetiredLogs(t *testing.T) {
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL())
	verify := func(want int, args ...string) string {
		t.Helper()
		args = append([]string{"audit", "verify", "--grpc", at.GRPC, "--token-file", at.tokenFile}, args...)
		code, stdout, stderr := run(t.Context(), t, args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	var answer struct{ Log string }
	if err := json.Unmarshal([]byte(verify(0, "--retired-log", "0123456789abcdef", "--json")), &answer); err != nil {
		t.Fatal(err)
	}
	refused := verify(1, "--retired-log", "0123456789abcdef", "--retired-log", answer.Log)
	if !strings.Contains(refused, answer.Log+", which is the log of the bridge that answers") {
		t.Errorf("the own log is said to be retired: %s", refused)
	}
	if refused := verify(1, "--retired-log", "0123"); !strings.Contains(refused, "retired_logs[0]") {
		t.Errorf("what is no log: %s", refused)
	}
}
