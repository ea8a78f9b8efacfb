package bridge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/netboxtest"
)

// boxed is a bridge beside a NetBox that it sets up.
type boxed struct {
	*bundle
	netbox *netboxserver.Server
	folder string // of references
}

// setupBox returns one that takes webhooks with a secret; with none where that is empty.
func setupBox(t *testing.T, hookSecret string) *boxed {
	t.Helper()
	b := &boxed{netbox: netboxtest.Start(t), folder: t.TempDir()}
	b.bundle = setup(t, func(c *bridge.Config) {
		c.NetBox.CredentialsDir, c.NetBox.AllowHTTP = b.folder, true
		c.NetBox.AllowedPrivateNetworks = []string{"127.0.0.0/8"}
		if hookSecret != "" {
			c.NetboxWebhookSecret = []secret.String{secret.New(hookSecret)}
		}
	})
	b.ok("PATCH", "/api/v1/netbox", fmt.Sprintf(`{"url":%q,"token_ref":"file:netbox"}`, b.netbox.URL))
	return b
}

// administer sets the NetBox up, or takes that back.
func (b *boxed) administer(what, more string) map[string]any {
	b.t.Helper()
	token := strings.TrimPrefix(netboxserver.Token, "Bearer ")
	answer := b.ok("POST", "/api/v1/netbox:"+what, fmt.Sprintf(`{"admin_token":%q%s}`, token, more))
	if token, made := answer["token"].(string); made {
		for name, content := range map[string]string{
			"netbox": token, "netbox.hosts": strings.TrimPrefix(b.netbox.URL, "http://"),
		} {
			if err := os.WriteFile(filepath.Join(b.folder, name), []byte(content), 0o600); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	return answer
}

// hears has NetBox be told to send webhooks to an address, and returns what a check says of that.
func (b *boxed) hears(address string) map[string]any {
	b.t.Helper()
	b.administer("setUp", fmt.Sprintf(`,"webhook_address":%q`, address))
	return b.hookCheck()
}

func (b *boxed) hookCheck() map[string]any { b.t.Helper(); return b.hookCheckOf("{}") }

// hookCheckOf returns what a check that is asked for says of webhooks.
func (b *boxed) hookCheckOf(request string) map[string]any {
	b.t.Helper()
	answer := b.ok("POST", "/api/v1/netbox:check", request)
	if answer["ok"] != true {
		b.t.Errorf("records can't be delivered: %v", answer)
	}
	for _, one := range answer["checks"].([]any) {
		if check := one.(map[string]any); check["name"] == "webhook" {
			return check
		}
	}
	b.t.Fatal("nothing is said of the webhook")
	return nil
}

// TestATestEventIsPosted: to where NetBox was told to send, signed as NetBox does it, and a check says whether a bridge
// with the same secret has taken it.
func TestATestEventIsPosted(t *testing.T) {
	t.Parallel()
	b, other, off := setupBox(t, boxSecret), setupBox(t, oldBoxSecret), setupBox(t, "")
	b.administer("setUp", "")
	if check := b.hookCheck(); check["status"] != "skipped" {
		t.Errorf("NetBox was not told of a place: %v", check)
	}
	if check := b.hears(b.server.URL); check["status"] != "ok" || check["remedy"] != nil {
		t.Errorf("at this bridge: %v", check)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(silent.Close)
	onwards := httptest.NewServer(http.RedirectHandler(b.server.URL+boxPath, http.StatusTemporaryRedirect))
	t.Cleanup(onwards.Close)
	for name, c := range map[string]struct{ address, says string }{
		"a bridge with another secret":    {other.server.URL, "another secret"},
		"a bridge that takes none":        {off.server.URL, "takes none"},
		"something that says nothing":     {silent.URL, "no bridge, and answers 200"},
		"something that sends on":         {onwards.URL, "no bridge, and answers 307"},
		"nobody":                          {"http://127.0.0.1:1", "can't be reached"},
		"a network that is not permitted": {"http://10.0.0.1:1", "10.0.0.1"},
	} {
		check := b.hears(c.address)
		said := fmt.Sprint(check["message"])
		if check["status"] != "warning" || check["remedy"] == nil || !strings.Contains(said, c.says) ||
			!strings.Contains(said, c.address) {
			t.Errorf("%s: %v", name, check)
		}
	}
	if strings.Contains(b.log.String(), boxSecret) {
		t.Error("the secret is in the log")
	}
	b.administer("remove", "")
	if check := b.ok("POST", "/api/v1/netbox:setUp", fmt.Sprintf(`{"admin_token":%q}`,
		strings.TrimPrefix(netboxserver.Token, "Bearer "))); check["webhook_secret"] != nil {
		t.Errorf("without a webhook a secret is shown")
	}
}

// TestABridgeWithoutASecret is told so, and shown the secret until it has it.
func TestABridgeWithoutASecret(t *testing.T) {
	t.Parallel()
	b := setupBox(t, "")
	if check := b.hears(b.server.URL); check["status"] != "warning" ||
		!strings.Contains(fmt.Sprint(check["remedy"]), "netbox_webhook_secret") {
		t.Errorf("%v", check)
	}
	again := b.administer("setUp", `,"webhook_address":"`+b.server.URL+`"`)
	if again["webhook_secret"] == nil || again["token"] != nil {
		t.Error("the secret is not shown again, or a token is")
	}
}

// TestAWebhookThatIsGone is seen by who may see webhooks.
func TestAWebhookThatIsGone(t *testing.T) {
	t.Parallel()
	b := setupBox(t, boxSecret)
	b.hears(b.server.URL)
	if err := os.WriteFile(filepath.Join(b.folder, "netbox"), []byte(strings.TrimPrefix(netboxserver.Token, "Bearer ")),
		0o600); err != nil {
		t.Fatal(err)
	}
	if check := b.hookCheck(); check["status"] != "ok" {
		t.Errorf("with an administrator's token: %v", check)
	}
	b.netbox.Amend("extras/webhooks", "FGD Sync", map[string]any{"payload_url": "https://elsewhere.example.com"})
	check := b.hookCheck()
	if check["status"] != "warning" || !strings.Contains(fmt.Sprint(check["message"]), "any more") {
		t.Errorf("a webhook to elsewhere: %v", check)
	}
}

// TestTwoNetBoxesAreSetUp: of each it is known where it sends webhooks, whatever is done with the other one.
func TestTwoNetBoxesAreSetUp(t *testing.T) {
	t.Parallel()
	b, other := setupBox(t, boxSecret), netboxtest.Start(t)
	b.hears(b.server.URL)
	spelled := strings.Replace(other.URL, "http://", "HTTP://", 1) + "/"
	answer := b.administer("setUp", fmt.Sprintf(`,"url":%q,"webhook_address":"http://127.0.0.1:1"`, spelled))
	for name, content := range map[string]string{
		"other": answer["token"].(string), "other.hosts": strings.TrimPrefix(other.URL, "http://"),
	} {
		if err := os.WriteFile(filepath.Join(b.folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.administer("setUp", "") // without a word about webhooks nothing changes
	asked := fmt.Sprintf(`{"url":%q,"token_ref":"file:other"}`, other.URL)
	expect := func(when, own, others string) {
		t.Helper()
		if check := b.hookCheckOf(asked); check["status"] != others {
			t.Errorf("%s: of the other one: %v", when, check)
		}
		b.administer("setUp", `,"new_token":true`) // the file has the token of whichever was set up last
		if check := b.hookCheck(); check["status"] != own {
			t.Errorf("%s: of the first one: %v", when, check)
		}
	}
	expect("both are set up", "ok", "warning")
	b.administer("remove", fmt.Sprintf(`,"url":%q,"plan_only":true`, other.URL))
	expect("no more than a plan", "ok", "warning")
	b.administer("setUp", fmt.Sprintf(`,"url":%q`, other.URL))
	expect("set up without", "ok", "warning")
	b.administer("remove", "")
	b.administer("setUp", "")
	expect("the first one has nothing any more", "skipped", "warning")
}
