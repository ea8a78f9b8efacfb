package workflow

import (
	"cmp"
	"slices"

	"fgdsync.dev/libs/errs"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

const (
	// maxOfCode bounds what a record lists of one code, so that one that is everywhere leaves room for others.
	maxOfCode = 500
	// maxListed bounds what a record lists of a severity: it is written several times.
	maxListed = 2000
)

// findingKey is what findings are counted by.
type findingKey struct {
	severity   reportv1.Severity
	code, name string
}

// findingCount is how many findings there are, and how many of them a record lists.
type findingCount struct{ found, listed int }

// findings counts what there is to tell, whether a record lists it or not.
type findings map[findingKey]*findingCount

func (c findings) of(key findingKey) *findingCount {
	if c[key] == nil {
		c[key] = &findingCount{}
	}
	return c[key]
}

// admit counts a finding and reports whether a record that lists so many of its severity has room for it.
func (c findings) admit(f *reportv1.Finding, listed int) bool {
	count := c.of(findingKey{f.GetSeverity(), f.GetCode(), f.GetName()})
	count.found++
	if count.listed >= maxOfCode || listed >= maxListed {
		return false
	}
	count.listed++
	return true
}

// complete takes over the numbers of an ingestion, which knows of more than it sends.
func (c findings) complete(counts []*ingestionv1.FindingCount) {
	for _, n := range counts {
		count := c.of(findingKey{n.GetSeverity(), n.GetCode(), n.GetName()})
		count.found = max(count.found, int(n.GetNumber()))
	}
}

// cut says of which codes a record does not list all findings, in their order. That documents have more to say than is
// listed is no finding of its own.
func (c findings) cut() []*reportv1.Finding {
	var out []*reportv1.Finding
	for key, count := range c {
		if count.found > count.listed && key.code != errs.FindingsCut.ID {
			out = append(out, errs.NewFinding(errs.FindingsCut, reportv1.Severity_SEVERITY_WARNING,
				"%s %s was found %d times; %d of them are not listed.", key.code, key.name, count.found,
				count.found-count.listed))
		}
	}
	slices.SortFunc(out, func(a, b *reportv1.Finding) int { return cmp.Compare(a.GetMessage(), b.GetMessage()) })
	return out
}

// sortWarnings puts those first that are about several resources, and those last that say what is not listed.
func sortWarnings(list []*reportv1.Finding) {
	slices.SortStableFunc(list, func(a, b *reportv1.Finding) int { return cmp.Compare(lateness(a), lateness(b)) })
}

func lateness(f *reportv1.Finding) int {
	switch {
	case errs.IsAboutOthers(f.GetCode()):
		return 0
	case f.GetCode() != errs.FindingsCut.ID:
		return 1
	}
	return 2
}
