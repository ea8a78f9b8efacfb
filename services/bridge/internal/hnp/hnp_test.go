package hnp_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestLifeOfARecord of each kind: it is made, left alone when it is right, changed and deleted, and each change is
// there once. Records of five kinds can't be deleted, and on NetBox up to 4.5.1 not be made, which is said.
func TestLifeOfARecord(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		g, err := p.Generation(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		for _, kind := range hnp.Kinds() {
			if pageless(kind) && g.Eager {
				p.unmakable(kind)
				continue
			}
			p.life(kind)
		}
	})
}

// life is that of a record of a kind.
func (p *plugin) life(kind string) {
	p.t.Helper()
	before := p.Changes()
	made := p.put(kind, "r", nil, spec(1))
	same := p.put(kind, "r", &made.Record, spec(1.0))
	changed := p.put(kind, "r", &made.Record, spec(2))
	if made.Outcome != hnp.Created || same.Outcome != hnp.Unchanged || changed.Outcome != hnp.Updated ||
		p.Changes()-before != 2 || made.RequestID == "" {
		p.t.Errorf("%s: %v, %v, %v, %d changes", kind, made, same, changed, p.Changes()-before)
	}
	effect, err := p.Delete(p.t.Context(), kind, changed.Record, "gone")
	left, getErr := p.Get(p.t.Context(), kind, made.Record.ID)
	deleted := err == nil && effect.Outcome == hnp.Deleted && left == nil
	if kept := hnp.Is(err, hnp.Refused) && left != nil; getErr != nil || !deleted && !kept || kept != pageless(kind) {
		p.t.Errorf("%s: %v, %v; left %v, %v", kind, effect, err, left, getErr)
	}
}

// unmakable holds that a record of a kind is refused for good, and not tried again and again.
func (p *plugin) unmakable(kind string) {
	p.t.Helper()
	_, err := p.Put(p.t.Context(), kind, p.identity("r"), nil, spec(1), "")
	made, allErr := p.Create(p.t.Context(), kind, []hnp.Draft{
		{Identity: p.identity("a"), Content: spec(1)}, {Identity: p.identity("b"), Content: spec(1)},
	})
	if !hnp.Is(err, hnp.Refused) || allErr != nil || !hnp.Is(made[0].Err, hnp.Refused) ||
		!hnp.Is(made[1].Err, hnp.Refused) || p.asked("POST "+path(kind)) != 2 {
		p.t.Errorf("%s: %v; %v, %v", kind, err, made, allErr)
	}
}

// path is where the records of a kind are.
func path(kind string) string {
	return "/api/plugins/hedgehog/" + map[string]string{
		"External": "externals", "ExternalAttachment": "external-attachments", "ExternalPeering": "external-peerings",
		"VPCAttachment": "vpc-attachments", "VPCPeering": "vpc-peerings", "VPC": "vpcs",
	}[kind] + "/"
}

// TestEmptySpec is a placeholder in NetBox, and an empty one here.
func TestEmptySpec(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		for _, kind := range []string{"SwitchGroup", "Server"} {
			made := p.put(kind, "empty", nil, hnp.Content{})
			if made.Record.Spec == nil || !made.Record.Same(kind, hnp.Content{Spec: map[string]any{}}) ||
				made.Record.Same(kind, spec(1)) || made.Record.Content(kind).Spec != nil {
				p.t.Errorf("%s: %v", kind, made.Record.Spec)
			}
			if again := p.put(kind, "empty", &made.Record, hnp.Content{}); again.Outcome != hnp.Unchanged {
				p.t.Errorf("%s: %v", kind, again)
			}
		}
	})
}

// TestWhatComesOfARequest that nobody answers well: it is looked up, and the effect is there once.
func TestWhatComesOfARequest(t *testing.T) {
	t.Parallel()
	for name, f := range illAnswers() {
		for _, done := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p, f := setup(t), f
				f.Done, f.Times, f.Method = done, 1, http.MethodPost
				p.Break(f)
				effect, err := p.Put(t.Context(), "VPC", p.identity("v"), nil, spec(1), "made")
				p.judge(done, hnp.Created, effect, err, 1)
				seen := p.put("VPC", "w", nil, spec(1)).Record
				f.Method = http.MethodPatch
				p.Break(f)
				effect, err = p.Put(t.Context(), "VPC", p.identity("w"), &seen, spec(2), "changed")
				p.judge(done, hnp.Updated, effect, err, 2)
			})
		}
	}
}

// judge holds that what was done is known to be, and what was not can be tried again.
func (p *plugin) judge(done bool, want hnp.Outcome, effect hnp.Effect, err error, changes int) {
	p.t.Helper()
	if done && (err != nil || effect.Outcome != want) || !done && !hnp.Is(err, hnp.Away) {
		p.t.Errorf("done %v: %v, %v", done, effect, err)
	}
	if done && p.Changes() < changes {
		p.t.Errorf("%d changes", p.Changes())
	}
}

// TestWhatNetBoxSays: each refusal has its reason, in NetBox's words.
func TestWhatNetBoxSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  netboxserver.Fault
		reason hnp.Reason
		says   string
	}{
		"a token that is not taken": {
			netboxserver.Fault{Status: 403, Body: `{"detail":"Invalid v2 token"}`},
			hnp.Denied,
			"Invalid v2 token",
		},
		"a busy one": {netboxserver.Fault{Status: 503, Header: map[string]string{"Retry-After": "7"}}, hnp.Away, "503"},
		"a redirect": {
			netboxserver.Fault{Status: 301, Header: map[string]string{"Location": "/elsewhere"}},
			hnp.Unusable,
			"/elsewhere",
		},
		"fields": {
			netboxserver.Fault{Status: 400, Body: `{"name":["Too long.","Bad."]}`},
			hnp.Refused,
			"name: Too long. Bad.",
		},
		"a changed one":     {netboxserver.Fault{Status: 412, Body: `{"detail":"Precondition failed."}`}, hnp.Changed, "412"},
		"lines and colours": {netboxserver.Fault{Status: 400, Body: `{"detail":"a\n\u001b[1mb"}`}, hnp.Refused, "a  [1mb"},
		"no such path":      {netboxserver.Fault{Status: 404, Body: "<h1>"}, hnp.Unusable, "404"},
		"no such record":    {netboxserver.Fault{Status: 404, Body: `{"detail":"No VPC matches."}`}, hnp.Gone, "matches"},
		"no permission": {
			netboxserver.Fault{Status: 403, Body: `{"detail":"You do not have permission to perform this action."}`},
			hnp.Forbidden,
			"permission",
		},
		"other words for no permission": {netboxserver.Fault{Status: 403, Body: `{"detail":"Nein."}`}, hnp.Forbidden, "Nein"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			c.fault.Method = http.MethodPost
			p.Break(c.fault)
			_, err := p.Put(t.Context(), "VPC", p.identity("v"), nil, spec(1), "")
			var said *hnp.Error
			if !hnp.Is(err, c.reason) || !strings.Contains(err.Error(), c.says) || !errors.As(err, &said) {
				t.Errorf("got %v", err)
			}
			if name == "a busy one" && said.After.Seconds() != 7 {
				t.Errorf("after %s", said.After)
			}
		})
	}
}

// TestNobodyIsOverwritten: a record that has changed since it was seen stays as it is.
func TestNobodyIsOverwritten(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		seen := p.put("VPC", "v", nil, spec(1)).Record
		now := p.put("VPC", "v", &seen, spec(2)).Record
		_, putErr := p.Put(p.t.Context(), "VPC", p.identity("v"), &seen, spec(3), "")
		_, deleteErr := p.Delete(p.t.Context(), "VPC", seen, "")
		_, twinErr := p.Put(p.t.Context(), "VPC", p.identity("v"), nil, spec(4), "")
		if !hnp.Is(putErr, hnp.Changed) || !hnp.Is(deleteErr, hnp.Changed) || !hnp.Is(twinErr, hnp.Changed) {
			p.t.Errorf("%v; %v; %v", putErr, deleteErr, twinErr)
		}
		found, err := p.Find(p.t.Context(), "VPC", p.identity("v"))
		if err != nil || !found.Same("VPC", spec(2)) || found.LastUpdated != now.LastUpdated {
			p.t.Errorf("%v, %v", found, err)
		}
	})
}

// TestATwinThatSaysTheSame is what was wanted, also where NetBox's own models find it (up to 4.5.1).
func TestATwinThatSaysTheSame(t *testing.T) {
	t.Parallel()
	p := setup(t)
	made := p.put("VPC", "v", nil, spec(1))
	again := p.put("VPC", "v", nil, spec(1))
	p.Break(netboxserver.Fault{
		Method: http.MethodPost, Status: http.StatusBadRequest, Times: 1,
		Body: `{"__all__":["VPC with this Fabric, Namespace and Name already exists."]}`,
	})
	told := p.put("VPC", "v", nil, spec(1))
	for _, effect := range []hnp.Effect{again, told} {
		if effect.Outcome != hnp.Unchanged || effect.Record.ID != made.Record.ID {
			t.Errorf("got %v", effect)
		}
	}
}

// TestWhatIsGone is nothing to change, and deleted already.
func TestWhatIsGone(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		seen := p.put("VPC", "v", nil, spec(1)).Record
		if _, err := p.Delete(p.t.Context(), "VPC", seen, ""); err != nil {
			p.t.Fatal(err)
		}
		_, putErr := p.Put(p.t.Context(), "VPC", p.identity("v"), &seen, spec(2), "")
		again, deleteErr := p.Delete(p.t.Context(), "VPC", seen, "")
		found, getErr := p.Get(p.t.Context(), "VPC", seen.ID)
		if !hnp.Is(putErr, hnp.Gone) || deleteErr != nil || again.Outcome != hnp.Deleted || found != nil || getErr != nil {
			p.t.Errorf("%v; %v, %v; %v, %v", putErr, again, deleteErr, found, getErr)
		}
	})
}

// TestWhatCannotBeStored is refused with words, and not sent: NetBox would fail on it each time.
func TestWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	p := setup(t)
	for name, content := range map[string]hnp.Content{
		"a NUL": spec([]any{map[string]any{"b": "\x00"}}), "a NUL in a key": {Labels: map[string]any{"\x00": ""}},
		"too much": spec(strings.Repeat("a", 1<<20)),
	} {
		_, err := p.Put(t.Context(), "VPC", p.identity("v"), nil, content, "")
		if !hnp.Is(err, hnp.Refused) || p.Changes() != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLongMessages are cut: NetBox fails on one that is longer than its column. One that has none is sent none.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		_, err := p.Put(p.t.Context(), "VPC", p.identity("v"), nil, spec(1), strings.Repeat("ü", 300)+"\n")
		g, generationErr := p.Generation(p.t.Context())
		if err != nil || generationErr != nil || strings.Contains(p.all.String(), "changelog_message") != g.Messages {
			p.t.Errorf("%v, %v", err, generationErr)
		}
	})
}

// TestAddresses that can't be meant are refused at once.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "netbox", "ftp://netbox", "https://u:p@netbox", "https://netbox?x=1", "//netbox",
	} {
		if _, err := hnp.New(address, secret.New("t"), http.DefaultTransport); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
