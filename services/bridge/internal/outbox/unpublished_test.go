package outbox

import (
	"net/http"
	"testing"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// TestNothingIsWrittenThatIsNotKnown: while nobody says what the last sync has left, as after a fabric got another
// directory, no record is emptied: what Git says of it is not at hand.
func TestNothingIsWrittenThatIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(*world){
		"the same bridge": func(*world) {},
		"another bridge":  func(w *world) { w.end(); w.begin() },
		"Redis is lost too": func(w *world) {
			if err := lose(t.Context(), w.redis, w.fabric, false); err != nil {
				t.Fatal(err)
			}
			w.end()
			w.begin()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := one(t)
			w.linked.Netbox.ConflictWinner = fabricv1.Winner_WINNER_GIT_WINS
			a, b := server("a"), server("b")
			w.git.now[a], w.git.now[b] = 1, 1
			w.synced(t)
			w.git.now[b] = 2
			w.commit()
			w.wire.down = true
			if err := w.deliver(t.Context()); err == nil {
				t.Fatal("it was delivered")
			}
			w.wire.down = false
			published := w.linked.GetPublished()
			w.linked.Published = nil
			w.person(http.MethodPatch, w.records()[a].ID, `{"spec":{"a":"people"}}`)
			later(w)
			for range 3 {
				if err := w.deliver(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := w.compare(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.records(); got[a].Spec.(map[string]any)["a"] != "people" || len(got[b].Spec.(map[string]any)) != 1 {
				t.Errorf("they say %v and %v", got[a].Spec, got[b].Spec)
			}
			w.linked.Published = published
			w.settled(t.Context())
			if err := w.compare(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.settled(t.Context())
			if diff := w.same(); diff != "" {
				t.Error(diff)
			}
		})
	}
}
