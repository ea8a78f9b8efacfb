package pipeline

import (
	"fgdsync.dev/libs/recent"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// NoopCache remembers trees in which there was nothing to do, with what there was to say. A tree's id stands for all
// that is in it, so the next ingestion of it comes to the same. It is only a matter of speed, and good for one set of
// schemas and limits.
type NoopCache struct {
	results *recent.Cache[noopKey, *Result]
}

type noopKey struct {
	tree, fabric string
	plan         plan.Options
	schema       schema.Options
	references   References
}

// NewNoopCache returns a cache for trees with at most so many resources, findings and dangling references together.
func NewNoopCache(most int) (*NoopCache, error) {
	results, err := recent.New[noopKey, *Result](most)
	if err != nil {
		return nil, err
	}
	return &NoopCache{results}, nil
}

func keyFor(req Request) noopKey {
	return noopKey{req.Tree.ID, req.Fabric, req.Plan, req.Schema, req.References}
}

// plain reports whether a request asks for nothing but what the tree and the options say.
func plain(req Request) bool {
	return !req.Refresh && !req.Retry && req.Only == nil && len(req.RetryOf)+len(req.Release) == 0
}

func (c *NoopCache) recall(req Request) (*Result, bool) {
	if c == nil || !plain(req) {
		return nil, false
	}
	return c.results.Get(keyFor(req))
}

// keep remembers a result that changed nothing and of which no document has to be told.
func (c *NoopCache) keep(req Request, result *Result) {
	if c == nil || !plain(req) || result.Tree != req.Tree.ID || result.Plan.Held {
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
	c.results.Add(keyFor(req), &kept, 1+len(kept.Plan.Resources)+len(kept.Findings)+len(kept.Plan.Dangling))
}
