package outbox

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/merge"
)

// EditFunc has a sync make edits, and waits for its end. Who asks again with the same request id gets the same sync. It
// returns the sync with its error when it has ended without making them; no sync while it is not known how it ended.
type EditFunc func(ctx context.Context, fabricID int32, requestID string, set *editv1.EditSet) (*syncv1.Sync, error)

// offer has Git make the edits that came of merging, all in one commit. What is offered is written down first, under a
// name that makes it the same whoever goes on with it.
func (d *delivery) offer(ctx context.Context, all []*incoming) error {
	id := uuid.NewString()
	if asked := all[0].receipt.GetOffer(); isAsked(asked, all[0].heard) {
		id = asked.GetRequestId()
	}
	for _, in := range all {
		in.receipt.Offer = &netboxv1.Offer{RequestId: id, Digest: in.heard.GetDigest()}
		d.touch(in.receipt)
	}
	failpoint.Hit(failpoint.EditBefore)
	if err := d.save(ctx); err != nil {
		return err
	}
	failpoint.Hit(failpoint.EditOffered)
	done, err := d.deps.Edit(ctx, d.linked.GetFabricId(), id, d.editSet(ctx, all))
	failpoint.Hit(failpoint.EditEnded)
	d.noteOffer(all, done, err)
	if err := d.save(ctx); err != nil {
		return err
	}
	failpoint.Hit(failpoint.EditKept)
	return nil
}

// isAsked reports whether Git was asked for what was heard by an offer.
func isAsked(o *netboxv1.Offer, h *netboxv1.Heard) bool {
	return o != nil && !o.GetSettles() && o.GetDigest() == h.GetDigest()
}

// noteOffer notes what became of edits that Git was offered.
func (d *delivery) noteOffer(all []*incoming, done *syncv1.Sync, err error) {
	pull := done.GetResult().GetPullRequest()
	switch {
	case done == nil && errs.KindOf(err) != errs.Invalid: // it is asked for again by the same name
		d.unclear = true
		d.postpone(receiptsOf(all), err)
	case err != nil:
		d.noteRefusal(all, done, err)
	case pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN:
		d.postpone(receiptsOf(all), proposed(pull))
	case pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED:
		for _, in := range all {
			d.refuse(in, "its pull request was closed without being merged: "+pull.GetUrl())
		}
	case pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED:
		for _, in := range all { // it is looked at again
			in.receipt.Offer = nil
			d.touch(in.receipt)
		}
	default:
		for _, in := range all {
			d.accept(in, done.GetCompletedAt(), done.GetSyncId())
		}
	}
}

func proposed(pull *gitv1.PullRequest) error {
	return errs.New(errs.SyncAlreadyInProgress, "It is proposed in pull request %d, which nobody has merged yet: %s",
		pull.GetNumber(), pull.GetUrl())
}

// noteRefusal notes why edits were not made. All of them were refused because of some, where a sync says which; the
// others are offered again by themselves.
func (d *delivery) noteRefusal(all []*incoming, done *syncv1.Sync, err error) {
	for _, in := range all {
		in.receipt.Offer = nil
		d.touch(in.receipt)
	}
	if isQuicker(errs.From(err).Code.ID) { // it is merged with what that says
		return
	}
	named := false
	for _, edited := range done.GetEdited() {
		at := slices.IndexFunc(all, func(in *incoming) bool { return isOf(in.receipt, edited.GetResource()) })
		problem := edited.GetProblem()
		if problem == nil || at < 0 {
			continue
		}
		if named = true; !isQuicker(problem.GetCode()) {
			d.refuse(all[at], problem.GetMessage())
		}
	}
	switch {
	case named:
	case !isRefusal(err):
		d.postpone(receiptsOf(all), err)
	case len(all) == 1:
		d.refuse(all[0], words(err))
	default:
		d.scatter(all)
	}
}

// isQuicker reports whether a code says that somebody else has changed the file, or made it.
func isQuicker(code string) bool {
	return code == errs.ResourceChanged.ID || code == errs.ResourceExists.ID
}

// isRefusal reports whether an edit will not be made, however often Git is asked for it.
func isRefusal(err error) bool {
	return errs.KindOf(err) == errs.Invalid || errs.HasCode(err, errs.EditRefused) ||
		errs.HasCode(err, errs.ProposalClosed)
}

// scatter has edits offered each by itself: one of them can't be made, and it is not known which.
func (d *delivery) scatter(all []*incoming) {
	for _, in := range all {
		in.receipt.Offer = &netboxv1.Offer{RequestId: uuid.NewString(), Digest: in.heard.GetDigest()}
		delete(d.tried, keyOf(in.receipt))
	}
}

func isOf(r *netboxv1.Receipt, resource *reportv1.ResourceKey) bool {
	return keyOf(r) == key{resource.GetKind(), resource.GetNamespace(), resource.GetName()}
}

func receiptsOf(all []*incoming) []*netboxv1.Receipt {
	receipts := make([]*netboxv1.Receipt, len(all))
	for i, in := range all {
		receipts[i] = in.receipt
	}
	return receipts
}

// words returns what an error says to people.
func words(err error) string { return errs.From(err).Message }

// editSet returns edits as a sync makes them, in the name of who made them in NetBox.
func (d *delivery) editSet(ctx context.Context, all []*incoming) *editv1.EditSet {
	by := all[0].heard.GetEditor()
	set := &editv1.EditSet{Author: d.authorOf(ctx, by), NetboxRequestId: by.GetRequestId()}
	for _, in := range all {
		set.Edits = append(set.Edits, editOf(in))
		if id := in.heard.GetEditor().GetChangeId(); id != 0 {
			set.NetboxChangeIds = append(set.NetboxChangeIds, id)
		}
	}
	return set
}

// editOf returns what a file becomes.
func editOf(in *incoming) *editv1.Edit {
	r, content := in.receipt, in.result.Content
	edit := &editv1.Edit{
		Resource: &reportv1.ResourceKey{Kind: r.GetKind(), Namespace: r.GetNamespace(), Name: r.GetName()},
		IfMatch:  in.git.blob, IfNoneMatch: in.git.blob == "" && content != nil,
	}
	if content == nil {
		edit.Change = &editv1.Edit_Delete{Delete: true}
		return edit
	}
	edit.Change = &editv1.Edit_Put{Put: &editv1.Says{
		Spec: packedValue(objectValue(content.Spec)), Labels: packedValue(objectValue(content.Labels)),
		Annotations: packedValue(objectValue(content.Annotations)),
	}}
	return edit
}

func objectValue(object map[string]any) merge.Value {
	return merge.Value{Present: len(object) > 0, JSON: object}
}

// authorOf returns who made an edit in NetBox, with the e-mail address that NetBox has of them; nil where nobody knows.
func (d *delivery) authorOf(ctx context.Context, by *netboxv1.Editor) *editv1.Author {
	if by.GetUser() == "" {
		return nil
	}
	email := by.GetEmail()
	if email == "" {
		email = d.emailOf(ctx, by.GetUser())
	}
	return &editv1.Author{Name: by.GetUser(), Email: email}
}

// emailOf returns the e-mail address of a user of NetBox. Where the token may not see it, or there is none, it is one
// that nobody reads mail of.
func (d *delivery) emailOf(ctx context.Context, user string) string {
	if email, known := d.emails[user]; known {
		return email
	}
	email, err := d.client.Email(ctx, user)
	if err != nil {
		d.deps.Log.DebugContext(ctx, "the e-mail address of a user of NetBox can't be read", "error", err.Error())
	}
	email = cmp.Or(email, noReply(user, d.state.GetUrl()))
	d.emails[user] = email
	return email
}

// noReply returns an address for somebody of whom none is known.
func noReply(user, netboxURL string) string {
	host := "netbox.invalid"
	if u, err := url.Parse(netboxURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	local := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._+-", r) {
			return r
		}
		return '-'
	}, user)
	return local + "@users.noreply." + host
}

func winnerOf(w fabricv1.Winner) merge.Winner {
	switch w {
	case fabricv1.Winner_WINNER_GIT_WINS:
		return merge.GitWins
	case fabricv1.Winner_WINNER_HNP_WINS:
		return merge.NetBoxWins
	case fabricv1.Winner_WINNER_HOLD, fabricv1.Winner_WINNER_UNSPECIFIED:
	}
	return merge.Hold
}
