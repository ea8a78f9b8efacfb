package merge

import (
	"slices"

	"fgdsync.dev/libs/errs"
)

// Reason is why two sides don't come together.
type Reason string

// Why two sides don't come together: both changed something or made it, each in its own way, one removed what the other
// changed, or both are good and what comes of them is not.
const (
	BothChanged Reason = "both_changed"
	BothAdded   Reason = "both_added"
	OneRemoved  Reason = "one_removed"
	Invalid     Reason = "merge_invalid"
)

// Taker is whose value is taken where there is a conflict.
type Taker string

// Whose value is taken: that of nobody while a conflict is open, that of a side, or one that a person gave.
const (
	Nobody Taker = ""
	Git    Taker = "git"
	NetBox Taker = "netbox"
	Given  Taker = "value"
)

// Conflict is a path at which both sides changed the same in different ways.
type Conflict struct {
	Path              Path
	Reason            Reason
	Words             string // of the judge
	Base, Git, NetBox Value
	Taken             Taker
	Value             Value   // what was given, when that is taken
	Policy            *Policy // the one that is for the path; nil when there is none, or a choice was made
}

// value returns what is taken. While nobody has settled it, that is what both agreed on last.
func (c Conflict) value() Value {
	switch c.Taken {
	case Git:
		return c.Git
	case NetBox:
		return c.NetBox
	case Given:
		return c.Value
	case Nobody:
	}
	return c.Base
}

// Winner is what a policy does with a conflict.
type Winner string

// What a policy does with a conflict: leave it open, or take the value of a side.
const (
	Hold       Winner = "hold"
	GitWins    Winner = "git_wins"
	NetBoxWins Winner = "hnp_wins"
)

// Policy is who wins where there is a conflict at a path or within it. Of those that are for a conflict the one with
// the longest path counts, and of two with the same path the one that names the kind. Where there is none, a conflict
// is open.
type Policy struct {
	Kind   string // all kinds when empty
	Prefix Path
	Winner Winner
}

func (p Policy) validate() error {
	if !slices.Contains([]Winner{Hold, GitWins, NetBoxWins}, p.Winner) {
		return errs.Field("policies", "The policy for %s is none of hold, git_wins and hnp_wins.", p.place())
	}
	if parsed, err := ParsePath(string(p.Prefix)); err != nil || parsed != p.Prefix {
		return errs.Field("policies", "%q is no path.", p.Prefix).WithCause(err)
	}
	return nil
}

func (p Policy) place() string {
	if p.Kind == "" {
		return string(p.Prefix)
	}
	return p.Kind + " " + string(p.Prefix)
}

// policy returns the policy that counts for a path, if there is one.
func (r *run) policy(at Path) (best Policy, found bool) {
	for _, p := range r.policies {
		if p.Kind != "" && p.Kind != r.kind || !p.Prefix.Covers(at) {
			continue
		}
		if !found || best.Prefix.Covers(p.Prefix) && (p.Prefix != best.Prefix || p.Kind != "") {
			best, found = p, true
		}
	}
	return best, found
}

// settle returns the conflict at a path, which is settled when there is a choice or a policy for it.
func (r *run) settle(at Path, rules *rule, t three) Conflict {
	c := Conflict{Path: at, Reason: BothChanged, Base: t.base, Git: t.git, NetBox: t.netbox}
	switch {
	case rules.void(t.git) || rules.void(t.netbox):
		c.Reason = OneRemoved
	case rules.void(t.base):
		c.Reason = BothAdded
	}
	if choice, chosen := r.choices[at]; chosen {
		c.Taken, c.Value = choice.Take, choice.Value
		return c
	}
	if policy, found := r.policy(at); found {
		c.Policy, c.Taken = &policy, map[Winner]Taker{GitWins: Git, NetBoxWins: NetBox}[policy.Winner]
	}
	return c
}
