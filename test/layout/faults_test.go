package layout

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultsPage lists faults that use has shown, a row each: the id, what holds now, and the tests that hold it.
const faultsPage = "docs/faults.md"

// threatsPage lists what somebody could try, in the same form: X of the matrix of faults, and T beside it.
const threatsPage = "docs/threats.md"

// series are the letters of the ids and how many there are of each.
var series = map[string]int{
	"F": 20, "G": 4, "B": 11, "N": 20, "A": 14, "C": 11, "D": 18, "P": 11, "L": 8, "K": 6, "Q": 6, "I": 11, "R": 8,
}

var (
	faultRow = regexp.MustCompile(`^\| ([A-Z]\d+) \| (.+) \| (.+) \|$`)
	testName = regexp.MustCompile("`([a-z][A-Za-z0-9/_-]*)`: ((?:Test|Fuzz)\\w+(?:, (?:Test|Fuzz)\\w+)*)")
)

// TestEveryFaultIsHeld: the page has every fault, and the tests that it names are there.
func TestEveryFaultIsHeld(t *testing.T) {
	t.Parallel()
	checkPage(t, faultsPage, series)
}

// TestEveryThreatIsHeld: the page has every threat, and the tests that it names are there.
func TestEveryThreatIsHeld(t *testing.T) {
	t.Parallel()
	checkPage(t, threatsPage, map[string]int{"X": 24, "T": 10})
}

// checkPage holds that a page has a row for each id of its series, once, and that what it names is there.
func checkPage(t *testing.T, page string, series map[string]int) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		row := faultRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		if listed[row[1]] {
			t.Errorf("%s is there twice", row[1])
		}
		listed[row[1]] = true
		checkHeld(t, row[1], row[3])
	}
	for letter, many := range series {
		for n := range many {
			if id := fmt.Sprint(letter, n+1); !listed[id] {
				t.Errorf("%s is not on the page", id)
			}
		}
	}
}

// checkHeld looks for the tests of a fault. One that is open, or was found to be none, says so in words.
func checkHeld(t *testing.T, id, held string) {
	t.Helper()
	if strings.HasPrefix(held, "open") || strings.HasPrefix(held, "no fault") {
		return
	}
	found := testName.FindAllStringSubmatch(held, -1)
	if len(found) == 0 {
		t.Errorf("%s names no test: %s", id, held)
	}
	for _, match := range found {
		for name := range strings.SplitSeq(match[2], ", ") {
			if !hasTest(t, match[1], name) {
				t.Errorf("%s: %s has no %s", id, match[1], name)
			}
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
