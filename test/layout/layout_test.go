// Package layout holds the sources to the rules of docs/architecture.md: who may import whom, and how large things may
// grow.
package layout

import (
	"slices"
	"strings"
	"testing"
)

const (
	maxFile    = 450 // lines
	maxRoom    = 900 // lines of a grpcapi package
	maxLong    = 50  // lines of the function that is longer than 99 of 100
	documented = 97  // percent of exported names that say what they are
)

// TestWhoImportsWhom: proto ← libs ← services ← cmd and test; inside a service the rules know nothing of the wire.
func TestWhoImportsWhom(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		for _, imported := range f.imports {
			if why := forbidden(f.folder, imported); why != "" {
				t.Errorf("%s imports %s: %s", f.path, imported, why)
			}
		}
	}
}

// forbidden says why a package, named by its folder, may not import another one; empty when it may.
func forbidden(folder, imported string) string {
	target, own := strings.CutPrefix(imported, module)
	if !own {
		return ""
	}
	switch part := strings.SplitN(folder, "/", 2)[0]; {
	case part == "proto" && !strings.HasPrefix(target, "proto/"):
		return "contracts know nothing but contracts"
	case part == "libs" && !under(target, "proto", "libs"):
		return "libs know no service, no command and no test"
	case part == "services" && !under(target, "proto", "libs", service(folder)):
		return "a service knows contracts and libs, and no other service"
	case part == "cmd" && under(target, "test", "testkit"):
		return "commands know no test"
	}
	if room(folder) != "" && room(folder) != "grpcapi" && room(folder) != "httpapi" && room(target) == "grpcapi" {
		return "rules know nothing of the rooms that serve them"
	}
	return ""
}

// under reports whether a folder is one of others, or inside one.
func under(folder string, others ...string) bool {
	return slices.ContainsFunc(others, func(other string) bool { return strings.HasPrefix(folder+"/", other+"/") })
}

// service returns the folder of the service that a folder belongs to.
func service(folder string) string { return strings.Join(strings.SplitN(folder, "/", 3)[:2], "/") }

// room returns the name of the package inside a service's internal folder, empty elsewhere.
func room(folder string) string {
	if _, inside, found := strings.Cut(folder, "/internal/"); found && strings.HasPrefix(folder, "services/") {
		return strings.SplitN(inside, "/", 2)[0]
	}
	return ""
}

// TestTheRulesOfImports: what they forbid, and what not.
func TestTheRulesOfImports(t *testing.T) {
	t.Parallel()
	const orchestrator = "services/orchestrator"
	for _, c := range []struct {
		folder, imported string
		allowed          bool
	}{
		{"libs/rpc", "libs/errs", true},
		{"libs/rpc", "google.golang.org/grpc", true},
		{"libs/rpc", "services/bridge", false},
		{"libs/rpc", "testkit/grpctest", false},
		{"proto/gen/go/fgd/sync/v1", "libs/errs", false},
		{orchestrator, orchestrator + "/internal/grpcapi", true},
		{orchestrator + "/internal/grpcapi", orchestrator + "/internal/intake", true},
		{orchestrator + "/internal/intake", orchestrator + "/internal/grpcapi", false},
		{orchestrator + "/internal/intake", "services/bridge", false},
		{orchestrator + "/cmd/orchestrator", orchestrator, true},
		{"cmd/fgd/internal/suite", "services/bridge", true},
		{"cmd/fgd/internal/suite", "testkit/redistest", false},
	} {
		imported := c.imported
		if !strings.Contains(imported, ".") {
			imported = module + imported
		}
		if why := forbidden(c.folder, imported); (why == "") != c.allowed {
			t.Errorf("%s imports %s: %q", c.folder, c.imported, why)
		}
	}
}

// TestNothingGrowsTooLarge: files, functions, and the rooms that only convert and call.
func TestNothingGrowsTooLarge(t *testing.T) {
	t.Parallel()
	var functions []int
	rooms := map[string]int{}
	for _, f := range sources(t) {
		functions = append(functions, f.functions...)
		if f.lines > maxFile {
			t.Errorf("%s has %d lines; allowed are %d", f.path, f.lines, maxFile)
		}
		if room(f.folder) == "grpcapi" {
			rooms[f.folder] += f.lines
		}
	}
	for folder, lines := range rooms {
		if lines > maxRoom {
			t.Errorf("%s has %d lines; allowed are %d: rules have rooms of their own", folder, lines, maxRoom)
		}
	}
	slices.Sort(functions)
	if longest := functions[len(functions)*99/100]; longest > maxLong {
		t.Errorf("of 100 functions one has more than %d lines; allowed are %d", longest, maxLong)
	}
}

// TestNamesSayWhatTheyAre: exported names and packages have comments.
func TestNamesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	names, silent := 0, []string{}
	packages := map[string]bool{}
	for _, f := range sources(t) {
		names += f.exported
		silent = append(silent, f.undocumented...)
		packages[f.folder] = packages[f.folder] || f.describesPackage
	}
	if share := 100 - 100*float64(len(silent))/float64(names); share < documented {
		t.Errorf("%.1f %% of %d exported names have comments; missing: %s", share, names, strings.Join(silent, ", "))
	}
	for folder, described := range packages {
		if !described {
			t.Errorf("%s has no package comment", folder)
		}
	}
}
