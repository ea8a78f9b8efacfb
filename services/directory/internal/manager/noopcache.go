package manager

import (
	"fmt"

	"fgdsync.dev/libs/recent"
	"fgdsync.dev/services/directory/internal/structure"
)

// noopReports is how many issues and reports together are remembered.
const noopReports = 50_000

// noopCache remembers the reports of trees that need no change.
type noopCache struct {
	reports *recent.Cache[noopKey, structure.Report]
}

// noopKey is all that a report without changes depends on: the id of a tree stands for what is in it.
type noopKey struct {
	tree   string
	place  structure.Place
	fabric string // all that is known of it
}

func newNoopKey(tree string, place structure.Place, fabric structure.Fabric) noopKey {
	return noopKey{tree, place, fmt.Sprintf("%q", []any{fabric.ID, fabric.Name, fabric.FormerNames, fabric.TakeOver})}
}

func newNoopCache() (*noopCache, error) {
	reports, err := recent.New[noopKey, structure.Report](noopReports)
	if err != nil {
		return nil, err
	}
	return &noopCache{reports}, nil
}

func (c *noopCache) recall(key noopKey) (structure.Report, bool) { return c.reports.Get(key) }

// keep remembers a report that asks for no change; the changes of others state a time.
func (c *noopCache) keep(key noopKey, report structure.Report) {
	for _, issue := range report.Issues {
		if len(issue.Changes) > 0 {
			return
		}
	}
	c.reports.Add(key, report, 1+len(report.Issues))
}
