package netboxsetup_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
)

// known is what people have been shown.
type known struct{ token, secret secret.String }

// try sets a NetBox up, and keeps what is shown.
func (k *known) try(i *installation, wish netboxsetup.Wish) error {
	done, err := netboxsetup.SetUp(i.t.Context(), i.admin, wish, time.Now())
	if err != nil {
		return err // an error is all that is answered then
	}
	if !done.Token.IsZero() {
		k.token = done.Token
	}
	if !done.Secret.IsZero() {
		k.secret = done.Secret
	}
	return nil
}

// whole holds that everything is there once, and that people have the token that is taken and the secret of the
// webhook.
func (k *known) whole(i *installation) error {
	if k.token.IsZero() || !i.alive(i.client(k.token)) {
		return fmt.Errorf("nobody has a token that is taken")
	}
	if hooks, err := i.admin.WebhooksNamed(i.t.Context(), "FGD Sync"); err != nil || len(hooks) != 1 ||
		hooks[0].Secret != k.secret.Reveal() || k.secret.IsZero() {
		return fmt.Errorf("the webhooks are %v (%w), and another secret is known", len(hooks), err)
	}
	want := []string{
		"users/users fgd-sync", "users/permissions FGD Sync: records", "users/permissions FGD Sync: fabrics",
		"users/permissions FGD Sync: changes", "users/tokens FGD Sync", "extras/webhooks FGD Sync",
		"extras/event-rules FGD Sync",
	}
	if got := i.Administered(); !slices.Equal(got, want) {
		return fmt.Errorf("there are %v", got)
	}
	return nil
}

// faults are the ways in which a request goes wrong: it is not done, or it is and nobody hears of it.
func faults() []netboxserver.Fault {
	return []netboxserver.Fault{
		{Status: http.StatusBadGateway}, {Done: true, Status: http.StatusBadGateway}, {Done: true}, {},
	}
}

// steps returns how many requests it takes to set a NetBox up.
func steps(t *testing.T, wish netboxsetup.Wish) int {
	t.Helper()
	n := newInstallation(t)
	n.setUp(hooked())
	if !wish.NewToken {
		n = newInstallation(t)
	}
	before := n.Requests()
	n.setUp(wish)
	return n.Requests() - before
}

// TestWhateverFailsIsMadeWhole: where any one request goes wrong, the next run makes everything work, once each, and
// people have what was generated. That is so for the first run and for one that makes another token.
func TestWhateverFailsIsMadeWhole(t *testing.T) {
	t.Parallel()
	renewed := hooked()
	renewed.NewToken = true
	for name, wish := range map[string]netboxsetup.Wish{"first": hooked(), "renewed": renewed} {
		for step := range steps(t, wish) {
			for kind, fault := range faults() {
				t.Run(fmt.Sprint(name, "/", step, "/", kind), func(t *testing.T) {
					t.Parallel()
					n, k := newInstallation(t), &known{}
					if wish.NewToken {
						if err := k.try(n, hooked()); err != nil {
							t.Fatal(err)
						}
					}
					fault.Skip, fault.Times = step, 1
					n.Break(fault)
					failed := k.try(n, wish)
					n.Mend()
					if failed == nil && !n.alive(n.client(k.token)) {
						t.Error("it did not fail, and what it has shown is not taken")
					}
					if err := k.try(n, wish); err != nil {
						t.Fatalf("again, after %v: %v", failed, err)
					}
					if err := k.whole(n); err != nil {
						t.Errorf("after %v: %v", failed, err)
					}
				})
			}
		}
	}
}

// TestHoweverOftenItFails: after any number of runs in which something went wrong, one that goes well makes all whole,
// and the one after it changes nothing.
func TestHoweverOftenItFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n, k := newInstallation(t), &known{}
		for range rapid.IntRange(1, 4).Draw(rt, "runs") {
			fault := rapid.SampledFrom(faults()).Draw(rt, "fault")
			fault.Skip, fault.Times = rapid.IntRange(0, 40).Draw(rt, "step"), rapid.IntRange(1, 3).Draw(rt, "times")
			n.Break(fault)
			wish := hooked()
			wish.NewToken = rapid.Bool().Draw(rt, "new token")
			_ = k.try(n, wish)
			n.Mend()
		}
		wish := hooked()
		wish.NewToken = true // of those before, people may have been told to make another one
		for _, wish := range []netboxsetup.Wish{wish, hooked()} {
			if err := k.try(n, wish); err != nil {
				rt.Fatal(err)
			}
			if err := k.whole(n); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
