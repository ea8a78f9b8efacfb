package bundle

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestSecretsOfAForm: what has the form or the place of a secret goes, and what is around it stays.
func TestSecretsOfAForm(t *testing.T) {
	t.Parallel()
	r := NewRedactor(nil)
	for _, text := range []string{
		"clone https://alice:%@git.example.com/x.git failed", "clone https://%@git.example.com/x.git failed",
		"clone ssh://git:%@git.example.com/x failed", "clone alice:%@git.example.com:x.git failed",
		"get https://git.example.com/x?private_token=% failed", "get https://git.example.com/x#% failed",
		"Authorization: Bearer %", "header Authorization: token %", `{"Authorization":"Basic %"}`, "X-Auth-Token: %",
		"Private-Token: %", "Set-Cookie: session=%", "password=% refused", `password: "%" refused`, "NETBOX_TOKEN=%",
		`{\"api_key\":\"%\"}`, "the secret: %", "-----BEGIN RSA PRIVATE KEY-----\n%\n-----END RSA PRIVATE KEY-----",
		"ghp_%", "glpat-%", "whsec_%", `pass_word="not" password="% and more" failed`, "curl -u alice:% failed", "fgd --token % failed",
		`{\"password\":\"% it\"}`, "secret='% it' failed", "https://hooks.slack.com/services/T0/B0/%", "bearer  %",
	} {
		for _, planted := range []string{"Tr0ub4dor3", "correcthorse", "4815162342"} {
			got := r.Line(strings.ReplaceAll(text, "%", planted))
			if strings.Contains(got, planted) || !strings.Contains(got, redacted) {
				t.Errorf("%s: %s", text, got)
			}
			before, after, _ := strings.Cut(text, "%")
			if word := strings.Fields(before + " -")[0]; !strings.HasPrefix(got, word[:min(len(word), 4)]) &&
				!strings.HasPrefix(got, redacted) || strings.HasSuffix(after, "failed") && !strings.HasSuffix(got, "failed") {
				t.Errorf("%s became %s", text, got)
			}
		}
	}
}

// TestKnownSecrets go however they are written.
func TestKnownSecrets(t *testing.T) {
	t.Parallel()
	const secret = "pass/wörd \"+\" of <a> host"
	r := NewRedactor([]string{secret})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), string(quoted),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("u:" + secret)),
		base64.RawURLEncoding.EncodeToString([]byte("un:" + secret + "\n")),
	} {
		if got := r.Known("before " + written + " after"); strings.Contains(got, written[4:len(written)-4]) ||
			!strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: %s", written, got)
		}
	}
}

// TestWordsThatNobodyChose go, and words that help stay.
func TestWordsThatNobodyChose(t *testing.T) {
	t.Parallel()
	r := NewRedactor(nil)
	for _, word := range []string{
		"QJ4B7XKZ2MPWNTVDLH6SRYGCEA", "QJABXKZTMPWNTVDLHUSRYGCEAF", "aGVsbG8gd29ybGQgYW5kIG1vcmU", "kP2xLq9ZrT5vWb8NcM3d",
		"86f0fba587babbfb72636fbc4e1ee06ce8127217", "JHXHUYVXUKPDTBDM4ITLILIHUZ",
	} {
		if got := r.Line("it is " + word + "."); strings.Contains(got, word) {
			t.Error(got)
		}
	}
	for _, text := range []string{
		`fgd_sync_duration_seconds_bucket{trigger="manual",le="0.05"} 17`, "sync 3f2f1c9a-7e10-4b7e-9d51-0d3c1c0f2a11 failed",
		"managed/externalattachments/external-attachment-17.yaml", "FGD_5003 REDIS_CONNECTION_FAILED", "go1.26.0 linux/amd64",
		"2026-12-01T08:15:02.123456789Z", "redis_version:7.0.15", "github.com answers 503", "ExternalAttachmentList",
		"last 1764576000000000000", "file_ingestion_and_reconciliation", "fgd-orchestrator-1.fgd.svc.cluster.local:9091",
	} {
		if got := r.Line(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// TestWordsOfAGenerator: whatever a generator of secrets makes goes.
func TestWordsOfAGenerator(t *testing.T) {
	t.Parallel()
	r := NewRedactor(nil)
	for range 10_000 {
		if word := rand.Text(); strings.Contains(r.Line("the field spec."+word), word) {
			t.Error(word)
		}
	}
}

// TestWordsOfOthers: what a message quotes, and what a Git host says, is left out.
func TestWordsOfOthers(t *testing.T) {
	t.Parallel()
	r := NewRedactor(nil)
	for _, text := range []string{
		`spec.subnet: "hunter2" is no network`, `spec.subnet: "a \"hunter2\" b" is no network`, "line 3: `hunter2` is no number",
		"spec: 'hunter2' isn't one", "FGD_4010 PUSH_DECLINED: The Git host declined the push: hunter2 it is",
		"records wait: NetBox answers 403: hunter2", "The Git host 127.0.0.1:80 refuses it with status 418: hunter2",
	} {
		if got := r.Words(text); strings.Contains(got, "hunter2") || !strings.Contains(got, "…") {
			t.Errorf("%s became %s", text, got)
		}
	}
	document, err := r.document(map[string]any{
		"errors":     []any{map[string]any{"code": "FGD_4010", "message": "The Git host declined the push: hunter2"}},
		"commit_sha": "86f0fba587babbfb72636fbc4e1ee06ce8127217", "password": 48151, "tokens": []any{17},
	})
	if err != nil || strings.Contains(document, "hunter2") || strings.Contains(document, "48151") ||
		!strings.Contains(document, "17") ||
		!strings.Contains(document, "The Git host declined the push") ||
		!strings.Contains(document, "86f0fba587babbfb72636fbc4e1ee06ce8127217") {
		t.Error(document, err)
	}
}

// TestALog keeps its fields in their order, and is redacted by what they are for.
func TestALog(t *testing.T) {
	t.Parallel()
	r := NewRedactor([]string{"hunter2"})
	got := r.log(`{"time":"2026-12-01T08:15:02Z","level":"ERROR","msg":"sync failed","error":"spec.a: \"swordfish\" is none",` +
		`"url":"https://u:p4ss@h/x","password":"swordfish","n":[1,{"X-Api-Key":["swordfish",48151],"token":""}],"secret":-4.8e15,"pin":5,"sync_id":"3f2f1c9a-7e10-4b7e-9d51-0d3c1c0f2a11"}` + "\n" +
		`time=2026-12-01 level=INFO msg="sync \"x\"" token=swordfish`)
	want := `{"time":"2026-12-01T08:15:02Z","level":"ERROR","msg":"sync failed","error":"spec.a: \"…\" is none",` +
		`"url":"https://[redacted]@h/x","password":"[redacted]","n":[1,{"X-Api-Key":["[redacted]","[redacted]"],"token":""}],"secret":"[redacted]","pin":5,"sync_id":"3f2f1c9a-7e10-4b7e-9d51-0d3c1c0f2a11"}` + "\n" +
		`time=2026-12-01 level=INFO msg="sync \"x\"" token=[redacted]`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
