package doctor

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// pageSize is how many commits are asked for at a time. Each page walks over those before it again.
const pageSize = 2_000

// shown is how many of a list are reported.
const shown = 10

// tally is what the commits have come to so far.
type tally struct {
	read     func(ctx context.Context, ids []string) (map[string][]byte, error)
	history  *History
	families map[string]*Family
	files    map[string]*Rewritten
}

// measure goes through the commits that changed the directory.
func (t *tally) measure(ctx context.Context, client gitv1.HistoryServiceClient, snapshot string) error {
	token := ""
	for {
		commits, last, err := page(ctx, client, snapshot, token)
		if err != nil {
			return err
		}
		for _, c := range commits {
			if err := t.add(ctx, c); err != nil {
				return err
			}
		}
		if token = last.GetNextPageToken(); token == "" {
			t.history.Truncated = last.GetTruncated()
			t.finish()
			return nil
		}
	}
}

// page returns the next commits. The changes of one that changed very many files come in several messages.
func page(ctx context.Context, client gitv1.HistoryServiceClient, snapshot, token string) (commits []*gitv1.Commit,
	last *gitv1.ListCommitsResponse, err error,
) {
	request := &gitv1.ListCommitsRequest{SnapshotId: snapshot, Limit: pageSize, PageToken: token, WithChanges: true}
	err = rpc.Collect(ctx, client.ListCommits, request, func(message *gitv1.ListCommitsResponse) error {
		last = message
		for _, c := range message.GetCommits() {
			if n := len(commits); n > 0 && commits[n-1].GetCommit() == c.GetCommit() {
				commits[n-1].Changes = append(commits[n-1].Changes, c.GetChanges()...)
				continue
			}
			commits = append(commits, c)
		}
		return nil
	})
	return commits, last, err
}

func (t *tally) add(ctx context.Context, c *gitv1.Commit) error {
	t.history.Commits++
	when := c.GetCommitTime().AsTime()
	if t.history.Last.IsZero() {
		t.history.Last = when
	}
	t.history.First = when // newest come first
	name := family(c.GetSubject())
	f := t.families[name]
	if f == nil {
		f = &Family{Subject: name, Example: c.GetSubject()}
		t.families[name] = f
	}
	f.Commits++
	result, err := t.meaningOf(ctx, c.GetChanges())
	if err != nil {
		return err
	}
	switch {
	case len(c.GetChanges()) == 0 || result == realMeaning:
		return nil
	case result == timesOnly:
		t.history.TimesOnly++
	default:
		t.history.TextOnly++
	}
	f.WithoutMeaning++
	return nil
}

// meaningOf returns what the changes of a commit come to together.
func (t *tally) meaningOf(ctx context.Context, changes []*gitv1.FileChange) (meaning, error) {
	result := textOnly
	for batch := range slices.Chunk(changes, blobsAtATime/2) {
		contents, err := t.read(ctx, blobsOf(batch))
		if err != nil {
			return realMeaning, err
		}
		for _, change := range batch {
			result = max(result, t.judge(change, contents))
		}
	}
	return result, nil
}

func blobsOf(changes []*gitv1.FileChange) []string {
	var ids []string
	for _, change := range changes {
		if isRewrite(change) {
			ids = append(ids, change.GetOldBlobId(), change.GetNewBlobId())
		}
	}
	return ids
}

func isRewrite(change *gitv1.FileChange) bool {
	return change.GetKind() == gitv1.FileChangeKind_FILE_CHANGE_KIND_UPDATED && layout.IsYAML(change.GetPath()) &&
		change.GetOldBlobId() != change.GetNewBlobId() // else its mode changed
}

func (t *tally) judge(change *gitv1.FileChange, contents map[string][]byte) meaning {
	if !isRewrite(change) {
		return realMeaning
	}
	file := t.files[change.GetPath()]
	if file == nil {
		file = &Rewritten{Path: change.GetPath()}
		t.files[change.GetPath()] = file
	}
	file.Rewrites++
	before, oldKnown := contents[change.GetOldBlobId()]
	after, newKnown := contents[change.GetNewBlobId()]
	if !oldKnown || !newKnown {
		return realMeaning // too large to be read
	}
	result := compare(before, after)
	if result != realMeaning {
		file.WithoutMeaning++
	}
	return result
}

// finish puts what is most into the report.
func (t *tally) finish() {
	for _, f := range t.families {
		t.history.Families = append(t.history.Families, *f)
	}
	slices.SortFunc(t.history.Families, func(a, b Family) int {
		return mostFirst(a.Commits, b.Commits, a.Subject,
			b.Subject)
	})
	t.history.FamiliesTotal = len(t.history.Families)
	t.history.Families = t.history.Families[:min(len(t.history.Families), shown)]
	for _, f := range t.files {
		t.history.Rewrites += f.Rewrites
		t.history.RewritesWithoutMeaning += f.WithoutMeaning
		if f.WithoutMeaning > 0 {
			t.history.Rewritten = append(t.history.Rewritten, *f)
		}
	}
	slices.SortFunc(t.history.Rewritten, func(a, b Rewritten) int {
		return mostFirst(a.WithoutMeaning, b.WithoutMeaning,
			a.Path, b.Path)
	})
	t.history.RewrittenTotal = len(t.history.Rewritten)
	t.history.Rewritten = t.history.Rewritten[:min(len(t.history.Rewritten), shown)]
}

func mostFirst(a, b int, nameA, nameB string) int {
	if a != b {
		return b - a
	}
	return strings.Compare(nameA, nameB)
}

var (
	timeInText = regexp.MustCompile(`\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?([Zz]\b|UTC|[+-]\d{2}:?\d{2}))?)?`)
	uuidInText = regexp.MustCompile(`\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`)
	hexInText  = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
	number     = regexp.MustCompile(`\d+`)
)

// family is a subject without what differs from one commit of its kind to the next: times, ids and numbers.
func family(subject string) string {
	subject = timeInText.ReplaceAllString(subject, "<time>")
	subject = uuidInText.ReplaceAllString(subject, "<id>")
	subject = hexInText.ReplaceAllStringFunc(subject, func(word string) string {
		if strings.ContainsAny(word, "0123456789") && strings.ContainsAny(word, "abcdef") {
			return "<id>"
		}
		return word
	})
	return number.ReplaceAllString(subject, "<n>")
}
