// Package faults holds the table of faults against the tests that exist.
package faults

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// TestEveryFaultHasItsTest: docs/reliability.md has a row for every fault, and every test that a row names exists.
func TestEveryFaultHasItsTest(t *testing.T) {
	root, err := system.Root()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	written := tests(t, root)
	rows := map[string]bool{}
	number, named := regexp.MustCompile(`^[SLWGX]\d+ `), regexp.MustCompile("`(Test\\w+)`")
	_, table, _ := strings.Cut(string(doc), "\n| fault | what has to hold | tests |\n|---|---|---|\n")
	for line := range strings.Lines(table) {
		fault, _, is := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !is {
			break
		}
		rows[strings.TrimSpace(number.FindString(fault))] = true
		names := named.FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("%s names no test", fault)
		}
		for _, name := range names {
			if !written[name[1]] {
				t.Errorf("%s names %s, which does not exist", fault, name[1])
			}
		}
	}
	for letter, count := range map[string]int{"S": 29, "L": 12, "W": 15, "G": 30} {
		for i := range count {
			name := fmt.Sprintf("%s%d", letter, i+1)
			if !rows[name] {
				t.Errorf("there is no row %s", name)
			}
		}
	}
}

// tests are the names of all tests of the project.
func tests(t *testing.T, root string) map[string]bool {
	t.Helper()
	written := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range declared.FindAllStringSubmatch(string(content), -1) {
			written[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return written
}
