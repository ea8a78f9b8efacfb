package pipeline

import (
	"crypto/sha256"
	"encoding/hex"

	"fgdsync.dev/libs/recent"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// Settled remembers trees in which there was nothing to do, with what there was to say. A tree's id stands for all that
// is in it, so the next ingestion of it comes to the same. It is only a matter of speed, and good for one set of
// schemas and limits.
type Settled struct {
	results *recent.Cache[settledKey, *Result]
}

type settledKey struct {
	tree, fabric string
	plan         plan.Options
	schema       schema.Options
	references   References
}

// NewSettled returns a memory for trees with so many resources, findings and dangling references together.
func NewSettled(most int) (*Settled, error) {
	results, err := recent.New[settledKey, *Result](most)
	if err != nil {
		return nil, err
	}
	return &Settled{results}, nil
}

func keyOf(req Request) settledKey {
	return settledKey{req.Tree.ID, req.Fabric, req.Plan, req.Schema, req.References}
}

// plain reports whether a request asks for nothing but what the tree and the options say.
func plain(req Request) bool {
	return !req.Refresh && !req.Retry && len(req.RetryOf)+len(req.Release) == 0
}

func (s *Settled) recall(req Request) (*Result, bool) {
	if s == nil || !plain(req) {
		return nil, false
	}
	return s.results.Get(keyOf(req))
}

// keep remembers a result that changed nothing and of which no document has to be told.
func (s *Settled) keep(req Request, result *Result) {
	if s == nil || !plain(req) || result.Tree != req.Tree.ID {
		return
	}
	for _, item := range result.Plan.Items {
		if item.Outcome != plan.Stays {
			return
		}
	}
	kept := *result
	kept.Plan = &plan.Plan{
		Findings: result.Plan.Findings, Resources: result.Plan.Resources,
		Dangling: result.Plan.Dangling,
	}
	s.results.Add(keyOf(req), &kept, 1+len(kept.Plan.Resources)+len(kept.Findings)+len(kept.Plan.Dangling))
}

// digest is the same for the same resources only.
func digest(resources []plan.Resource) string {
	sum := sha256.New()
	var line []byte
	for i := range resources {
		r := &resources[i]
		line = line[:0]
		for _, field := range [...]string{
			r.Identity.Group, r.Identity.Kind, r.Identity.Namespace, r.Identity.Name, r.Path, r.APIVersion, r.Blob,
		} {
			line = append(append(line, field...), 0)
		}
		if r.Valid {
			line = append(line, 1)
		}
		_, _ = sum.Write(append(line, '\n')) // a hash takes all
	}
	return hex.EncodeToString(sum.Sum(nil))
}
