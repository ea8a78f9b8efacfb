package snapshot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
)

// commitName is the name of a commit: an id or the beginning of one, or HEAD, and how many first parents to go back.
var commitName = regexp.MustCompile(`^(HEAD|@|[0-9a-f]{4,40})((?:~[0-9]{0,5}|\^)*)$`)

const mostNamed = 5 // commits that a message names

// Named finds the commit of the branch that a name means, which came in a field: an id, the beginning of one with 4
// digits or more, or HEAD, which is the head of the branch; with ~N for the Nth commit before, on the way of first
// parents. FGD_4013 when there is none, FGD_1010 when a beginning is that of several.
func (s *Snapshot) Named(ctx context.Context, field, name string) (plumbing.Hash, error) {
	parts := commitName.FindStringSubmatch(name)
	if parts == nil {
		return plumbing.ZeroHash, errs.Field(field, "%.100q is no name of a commit.", name).
			WithRemedy("Give the id of a commit of the branch, its first digits, or HEAD~N.")
	}
	id, err := s.based(ctx, field, parts[1])
	if err != nil || parts[2] == "" {
		return id, err
	}
	return s.before(ctx, id, generations(parts[2]))
}

// generations is how many commits a suffix goes back.
func generations(suffix string) (n int) {
	for len(suffix) > 0 {
		digits := len(suffix) - len(strings.TrimLeft(suffix[1:], "0123456789")) - 1
		step, err := strconv.Atoi(suffix[1 : 1+digits])
		if err != nil { // without a number it is one
			step = 1
		}
		n += step
		suffix = suffix[1+digits:]
	}
	return n
}

func (s *Snapshot) based(ctx context.Context, field, name string) (plumbing.Hash, error) {
	switch {
	case name == "HEAD", name == "@":
		return s.head, nil
	case plumbing.IsHash(name):
		return plumbing.NewHash(name), nil
	}
	var found []string
	err := s.walkBranch(ctx, func(id plumbing.Hash) {
		if text := id.String(); strings.HasPrefix(text, name) {
			found = append(found, text)
		}
	})
	switch {
	case err != nil:
		return plumbing.ZeroHash, err
	case len(found) == 0:
		return plumbing.ZeroHash, errs.New(errs.CommitNotFound, "No commit of the branch %s begins with %s.", s.Branch, name)
	case len(found) > 1:
		return plumbing.ZeroHash, errs.Field(field, "Several commits begin with %s: %s.", name,
			strings.Join(found[:min(len(found), mostNamed)], ", "))
	}
	return plumbing.NewHash(found[0]), nil
}

// walkBranch visits the commits of the branch, as many as one question may walk through.
func (s *Snapshot) walkBranch(ctx context.Context, visit func(plumbing.Hash)) error {
	next, seen := []Commit{{ID: s.head}}, map[plumbing.Hash]bool{s.head: true}
	for walked := 0; len(next) > 0 && walked < s.limits.MaxCommits; walked++ {
		if ctx.Err() != nil {
			return fmt.Errorf("walk through the branch: %w", context.Cause(ctx))
		}
		c := next[0]
		next = next[1:]
		info, held, err := s.reach(ctx, c.ID, c.distance)
		if err != nil {
			return err
		}
		if !held {
			continue
		}
		visit(c.ID)
		for _, parent := range info.Parents {
			if !seen[parent] {
				seen[parent] = true
				next = append(next, Commit{ID: parent, distance: c.distance + 1})
			}
		}
	}
	return nil
}

// before goes back from a commit by first parents.
func (s *Snapshot) before(ctx context.Context, id plumbing.Hash, steps int) (plumbing.Hash, error) {
	from := id
	for distance := range min(steps, s.limits.MaxCommits) {
		info, held, err := s.reach(ctx, id, distance)
		if err != nil {
			return id, err
		}
		if !held || len(info.Parents) == 0 {
			return id, errs.New(errs.CommitNotFound, "The branch %s has fewer than %d commits before %s.", s.Branch, steps, from)
		}
		id = info.Parents[0]
	}
	return id, nil
}
