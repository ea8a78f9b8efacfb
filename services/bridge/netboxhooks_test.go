package bridge_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge"
)

const (
	boxSecret    = "secret-of-netbox-00001"
	oldBoxSecret = "secret-of-netbox-00000"
	boxPath      = "/webhooks/netbox"
)

// setupBoxed is a bridge that NetBox posts to.
func setupBoxed(t *testing.T) hooked {
	t.Helper()
	return setupHooked(t, func(c *bridge.Config) {
		c.NetboxWebhookSecret = []secret.String{secret.New(boxSecret), secret.New(oldBoxSecret)}
	})
}

// fromBox returns the headers of a webhook of NetBox.
func fromBox(key, body string) []string {
	return []string{"X-Hook-Signature", hex.EncodeToString(mac(sha512.New, key, body))}
}

// boxBodies are webhooks as each NetBox posts them, by its version.
func boxBodies() map[string]string {
	const data = `"data":{"id":7,"name":"v","spec":{"a":1}},"snapshots":{"prechange":null,"postchange":{"name":"v"}}`
	return map[string]string{
		"4.3": `{"event":"updated","timestamp":"t","model":"vpc","username":"olga","request_id":"r",` + data + `}`,
		"4.4": `{"event":"updated","timestamp":"t","object_type":"netbox_hedgehog.vpc","model":"vpc","username":"olga",
			"request_id":"r","context":null,` + data + `}`,
		"4.5": `{"event":"updated","timestamp":"t","object_type":"netbox_hedgehog.vpc","username":"olga","request_id":"r",
			"context":null,` + data + `}`,
		"4.6": `{"event":"updated","timestamp":"t","object_type":"netbox_hedgehog.vpc","username":"olga","request_id":"r",
			"request":{"id":"r","method":"POST","path":"/","user":"olga"},` + data + `}`,
		"4.7": `{"event":"updated","timestamp":"t","object_type":"netbox_hedgehog.vpc",
			"request":{"id":"r","path":"/","path_info":"/","method":"POST","GET":{},"user":"olga"},` + data + `}`,
	}
}

// TestANetBoxWebhookIsSigned: what is not, with SHA-512 and once, is nobody's.
func TestANetBoxWebhookIsSigned(t *testing.T) {
	t.Parallel()
	h := setupBoxed(t)
	body := boxBodies()["4.7"]
	right := hex.EncodeToString(mac(sha512.New, boxSecret, body))
	for name, headers := range map[string][]string{
		"missing":             nil,
		"of another body":     fromBox(boxSecret, body+" "),
		"with another secret": fromBox(hubSecret, body),
		"SHA-256":             {"X-Hook-Signature", hex.EncodeToString(mac(sha256.New, boxSecret, body))},
		"twice":               {"X-Hook-Signature", right, "X-Hook-Signature", right},
		"cut off":             {"X-Hook-Signature", right[:64]},
		"no hexadecimal":      {"X-Hook-Signature", strings.Repeat("z", 128)},
		"of another host":     fromHub(boxSecret, body, "x"),
	} {
		h.checkProblem(name, h.post(boxPath, body, headers...), http.StatusUnauthorized, "FGD_1062")
	}
	if log := h.log.String(); strings.Contains(log, boxSecret) {
		t.Error("the secret is in the log")
	}
}

// TestEveryNetBoxCanPost: as its version does, with the old secret while there are two, and once: the body again is
// nothing new. Who is said to have done it is not believed, and not even read.
func TestEveryNetBoxCanPost(t *testing.T) {
	t.Parallel()
	h := setupBoxed(t)
	for version, body := range boxBodies() {
		key := map[bool]string{true: oldBoxSecret, false: boxSecret}[version == "4.5"]
		for _, want := range []string{"accepted", "repeated"} {
			if a := h.post(boxPath, body, fromBox(key, body)...); a.status != http.StatusOK || a.body["status"] != want {
				t.Errorf("%s: %d %s, not %s", version, a.status, a.raw, want)
			}
		}
	}
	if log := h.log.String(); strings.Contains(log, "olga") || !strings.Contains(log, `"kind":"VPC","record":7`) {
		t.Error("what is known of a webhook is not its kind and number alone")
	}
	for name, body := range map[string]string{
		"a device":        `{"event":"updated","object_type":"dcim.device","data":{"id":1}}`,
		"a twin":          `{"event":"updated","object_type":"other.vpc","data":{"id":1}}`,
		"an old device":   `{"event":"updated","model":"device","data":{"id":1}}`,
		"something else":  `{}`,
		"a deeper object": `{"data":` + strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900) + `}`,
	} {
		if a := h.post(boxPath, body, fromBox(boxSecret, body)...); a.body["status"] != "ignored" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if started := h.syncsOf(); len(started) != 0 {
		t.Errorf("%d syncs were started", len(started))
	}
}

// TestWhatNetBoxCannotPost: a body that is too large, packed, or none that can be read, and one where nothing is taken.
func TestWhatNetBoxCannotPost(t *testing.T) {
	t.Parallel()
	h, without := setupBoxed(t), setupHooked(t)
	large := strings.Repeat(" ", 3<<20)
	h.checkProblem("too large", h.post(boxPath, large, fromBox(boxSecret, large)...), 413, "FGD_1010")
	h.checkProblem("packed", h.post(boxPath, "{}", "Content-Encoding", "gzip"), 415, "FGD_1041")
	for name, body := range map[string]string{
		"cut off": `{"event":"upd`, "nothing": "", "a list": "[]", "deep": strings.Repeat("[", 100_000),
		"wrong types": `{"object_type":7,"data":[]}`, "a number that is none": `{"data":{"id":"x"}}`,
	} {
		h.checkProblem(name, h.post(boxPath, body, fromBox(boxSecret, body)...), 400, "FGD_1065")
	}
	without.checkProblem("off", without.post(boxPath, "{}", fromBox(boxSecret, "{}")...), 404, "FGD_1063")
	h.checkProblem("another path", h.post(boxPath+"/"+strings.Repeat("0", 32), "{}"), 404, "FGD_1022")
	short := []secret.String{secret.New("short")}
	cfg := bridge.DefaultConfig()
	cfg.NetboxWebhookSecret = short
	if err := cfg.Validate(); err == nil || !strings.Contains(fmt.Sprint(err), "netbox_webhook_secret") {
		t.Errorf("a short secret: %v", err)
	}
}
