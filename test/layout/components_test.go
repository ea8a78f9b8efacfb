package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// madeUnwell names for each component of the health the tests that make it unwell by what would do so in use, and see
// it be well again: a folder and a function each. What has none is not listed in the health.
var madeUnwell = map[string][]string{
	"bridge":       {"services/bridge TestASickServiceTakesNoWork"},
	"orchestrator": {"services/bridge TestAServiceThatIsAwayIsNamed", "test/e2e TestHealthNamesWhatIsAway"},
	"ingestion":    {"services/bridge TestAServiceThatIsAwayIsNamed"},
	"directory":    {"services/bridge TestAServiceThatIsAwayIsNamed"},
	"github-sync":  {"services/bridge TestAServiceThatIsAwayIsNamed", "test/e2e TestHealthNamesWhatIsAway"},

	"redis":         {"test/e2e TestHealthNamesWhatIsAway"},                             // stopped
	"clock":         {"services/orchestrator/internal/clock TestASteppedClockIsToldOf"}, // stepped
	"queue":         {"services/orchestrator TestAGroupThatIsGoneIsMadeAnew"},           // group deleted
	"events":        {"services/orchestrator TestPartsSayWhatIsTheMatter"},              // nobody reads
	"dead-letters":  {"services/orchestrator TestPartsSayWhatIsTheMatter"},              // there is one
	"ledger":        {"libs/ledgerfile TestALedgerOnAFullDisk", "libs/ledgerfile TestALedgerThatIsGoneIsToldOf"},
	"store":         {"services/github-sync TestTheDiskIsFull"},                       // its disk is full
	"git-hosts":     {"services/github-sync TestW12BreakerOpensForOneHost"},           // one answers 503
	"audit":         {"services/bridge TestNothingIsDoneThatCantBeWrittenDown"},       // not a file any more
	"netbox":        {"services/bridge/internal/outbox TestANetBoxThatFailsIsToldOf"}, // it answers 500
	"issuer":        {"services/bridge/internal/issuer TestTheIssuerIsAway"},          // away
	"configuration": {"test/e2e TestReload"},                                          // a wrong file is read again

	"service-certificate": {"libs/mtls TestTheEndOfACertificateIsTold"},
	"callers-certificate": {"libs/mtls TestTheEndOfACertificateIsTold"},
}

// TestEveryComponentIsMadeUnwell: the services and the parts that the health has names for are those that tests make
// unwell, and those that the documentation has a row of.
func TestEveryComponentIsMadeUnwell(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "### Components")
	table, _, _ = strings.Cut(table, "###")
	components := componentNames(t)
	for _, name := range components {
		if len(madeUnwell[name]) == 0 {
			t.Errorf("no test makes the component %s unwell", name)
		}
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("docs/operations.md does not say when the component %s is not healthy", name)
		}
	}
	for name, tests := range madeUnwell {
		if !slices.Contains(components, name) {
			t.Errorf("there is no component %s", name)
		}
		for _, test := range tests {
			if folder, function, _ := strings.Cut(test, " "); !hasTest(t, folder, function) {
				t.Errorf("%s: %s has no %s", name, folder, function)
			}
		}
	}
}

// componentNames returns the services, and the parts that libs/health has names for.
func componentNames(t *testing.T) []string {
	t.Helper()
	var names []string
	services, err := os.ReadDir(filepath.Join("..", "..", "services"))
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range services {
		names = append(names, service.Name())
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "libs", "health", "component.go"), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range file.Decls {
		constants, is := declared.(*ast.GenDecl)
		if !is || constants.Tok != token.CONST {
			continue
		}
		for _, spec := range constants.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				if literal, is := value.(*ast.BasicLit); is && literal.Kind == token.STRING {
					name, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, name)
				}
			}
		}
	}
	return names
}
