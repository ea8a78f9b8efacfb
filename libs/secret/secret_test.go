package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"fgdsync.dev/libs/secret"
)

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	s := secret.New("hunter2")
	holder := struct{ Token secret.String }{s}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "token", s, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", s, holder, holder, s, s, s, s) + logged.String() + string(encoded)
	if strings.Contains(all, "hunter2") || strings.Contains(all, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret got out: %s", all)
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !secret.New("").IsZero() {
		t.Error("the secret itself is gone")
	}
}
