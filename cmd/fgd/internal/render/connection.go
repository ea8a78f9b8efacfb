package render

import (
	"slices"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ConnectionFacts is how a repository can be reached, as one JSON document. What could not be found out is absent.
type ConnectionFacts struct {
	Reachable       *bool               `json:"reachable,omitempty"`
	Authenticated   *bool               `json:"authenticated,omitempty"`
	CanRead         *bool               `json:"can_read,omitempty"`
	CanPush         *bool               `json:"can_push,omitempty"`
	BranchExists    *bool               `json:"branch_exists,omitempty"`
	DefaultBranch   string              `json:"default_branch,omitempty"`
	Empty           *bool               `json:"empty,omitempty"`
	BranchProtected *bool               `json:"branch_protected,omitempty"`
	Problems        []ConnectionProblem `json:"problems"`
}

// ConnectionProblem is something that stands in the way of a sync.
type ConnectionProblem struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

// NewConnection tells what was found out from what was not asked any more: each question needs a yes to the one before.
func NewConnection(c *gitv1.Connection) *ConnectionFacts {
	refused := slices.ContainsFunc(c.GetProblems(), func(p *gitv1.ConnectionProblem) bool {
		return p.GetCode() == errs.GitHubAuthenticationFailed.ID
	})
	read := c.GetCanRead() || c.GetBranchExists()
	facts := &ConnectionFacts{
		Reachable:       new(c.GetReachable()),
		Authenticated:   ifKnown(c.GetAuthenticated(), c.GetReachable() && refused),
		CanRead:         ifKnown(c.GetCanRead(), c.GetReachable()),
		CanPush:         ifKnown(c.GetCanPush(), read),
		BranchExists:    ifKnown(c.GetBranchExists(), read),
		Empty:           ifKnown(c.GetEmpty(), read),
		DefaultBranch:   c.GetDefaultBranch(),
		BranchProtected: c.BranchProtected,
		Problems:        []ConnectionProblem{},
	}
	for _, p := range c.GetProblems() {
		facts.Problems = append(facts.Problems,
			ConnectionProblem{p.GetCode(), p.GetName(), p.GetMessage(), p.GetRemedy()})
	}
	return facts
}

// ifKnown returns an answer; a no counts only where it was found out.
func ifKnown(is, known bool) *bool {
	if !is && !known {
		return nil
	}
	return &is
}
