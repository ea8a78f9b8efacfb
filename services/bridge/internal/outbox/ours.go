package outbox

import (
	"slices"
	"sync"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
)

// ours is what was written here, for those who ask while a pass is under way, which may take long. It is as receipts
// were written down last. That comes before any request: whatever a request does, it is known here when it is heard.
type ours struct {
	mu    sync.Mutex
	user  string // who we are in NetBox; empty where that is not known
	byKey map[key]*own
}

// own is what was written of a record.
type own struct {
	says    []string // digests of what both sides agreed on last, and of what is wanted
	doubted []string // of requests without an answer
	theirs  bool     // somebody else has changed it: nobody decides yet, or it is to be overwritten
	written []*netboxv1.Written
}

// mostWritten is how many requests are remembered of a record: it may be heard of several at once.
const mostWritten = 8

// put notes what is known of records, and which are forgotten.
func (o *ours) put(receipts []*netboxv1.Receipt, gone []key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range gone {
		delete(o.byKey, k)
	}
	for _, r := range receipts {
		*o.of(keyOf(r)) = own{
			says: saysOf(r), doubted: slices.Clone(r.GetDoubted()),
			theirs:  r.GetState() == netboxv1.State_STATE_HELD || merging(r) || r.GetForced(),
			written: slices.Clone(r.GetWritten()),
		}
	}
}

// name returns who we are in NetBox.
func (o *ours) name() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.user
}

func (o *ours) of(k key) *own {
	if o.byKey[k] == nil {
		o.byKey[k] = &own{}
	}
	return o.byKey[k]
}

// saysOf returns what a record says that nobody else has changed.
func saysOf(r *netboxv1.Receipt) []string {
	if r.GetWanted().GetDeleted() {
		return []string{absent, r.GetAgreed().GetDigest()}
	}
	return []string{r.GetWanted().GetDigest(), r.GetAgreed().GetDigest()}
}

// wrote notes that a request has written a record.
func (o *ours) wrote(r *netboxv1.Receipt, id string) {
	said := r.GetWanted().GetDigest()
	if r.GetWanted().GetDeleted() {
		said = absent
	}
	r.Written = append(r.GetWritten(), &netboxv1.Written{RequestId: id, Digest: said})
	r.Written = r.GetWritten()[max(0, len(r.GetWritten())-mostWritten):]
	o.mu.Lock()
	defer o.mu.Unlock()
	o.of(keyOf(r)).written = slices.Clone(r.GetWritten())
}

// echo says how it is known that a change is ours.
func (o *ours) echo(c hearing.Change) hearing.Echo {
	says := absent
	if c.After != nil {
		says = c.After.Digest(c.Kind)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.byKey[key{c.Kind, c.Identity.Namespace, c.Identity.Name}]
	switch {
	case of == nil, c.Branch != "", c.Was != nil: // no name is changed here
	case o.user != "" && c.User != "" && c.User != o.user: // whatever it says
	case slices.ContainsFunc(of.written, func(w *netboxv1.Written) bool {
		ours := c.RequestID != "" && w.GetRequestId() == c.RequestID || o.user != "" && c.User == o.user
		return ours && w.GetDigest() == says
	}):
		return hearing.OurRequest
	case o.user != "" && c.User == o.user && (slices.Contains(of.says, says) || slices.Contains(of.doubted, says)):
		return hearing.OurRequest
	case of.theirs:
	case slices.Contains(of.says, says), slices.Contains(of.doubted, says):
		return hearing.SameContent
	}
	return hearing.NotOurs
}
