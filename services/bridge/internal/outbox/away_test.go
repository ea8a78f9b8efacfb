package outbox

import (
	"testing"
	"time"
)

// often stands for another content each time.
const often = "often"

// TestTheLastAnswerWasLost before NetBox was away for longer than a request without an answer may be done late: what it
// did is known to be ours, be it a change, a deletion or a new record, whatever is wanted by now.
func TestTheLastAnswerWasLost(t *testing.T) {
	t.Parallel()
	for what, is := range map[string]struct{ before, sent, now any }{
		"changed": {1, 2, 3}, "changed and back": {1, 2, 1}, "deleted and back": {1, nil, 3}, "deleted": {1, nil, nil},
		"made": {nil, 2, 3}, "made and deleted": {nil, 2, nil},
		"changed often": {1, 2, often}, "deleted and changed often": {1, nil, often},
	} {
		for _, first := range []string{"compared", "delivered"} {
			t.Run(what+", first "+first, func(t *testing.T) {
				t.Parallel()
				w, a := one(t), server("a")
				w.some(t, 3)
				says := func(value any) {
					if w.git.now[a] = value; value == nil {
						delete(w.git.now, a)
					}
					w.commit()
				}
				says(is.before)
				w.settled(t.Context())
				says(is.sent)
				w.wire.faults = []fault{last}
				for minute := range 70 {
					if err := w.deliver(t.Context()); err == nil {
						t.Fatal("NetBox was reached")
					}
					w.clock = w.clock.Add(time.Minute)
					if is.now == often {
						says(10 + minute)
					} else {
						says(is.now)
					}
				}
				w.wire.down = false
				if first == "delivered" {
					w.settled(t.Context())
				}
				if err := w.compare(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.settled(t.Context())
				if diff := w.same(); diff != "" || len(w.states()[held]) > 0 {
					t.Errorf("%s; %v", diff, w.d.receipts[a])
				}
			})
		}
	}
}
