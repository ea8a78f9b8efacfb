package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestInputs runs the cases of testdata/cases, whose README describes their form.
func TestInputs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			runInput(t, string(text))
		})
	}
}

// partHead begins a part of a case: its step and a file with what becomes of it, or the facts after a step.
var partHead = regexp.MustCompile(
	`(?m)^-- (?:expect (\d+)|(\d+) ("[^"]*"|\S+)(?: = (\S+))?((?: bom| crlf| removed)*)) --\n`)

// inputStep is what is committed, and what holds after the sync.
type inputStep struct {
	files, copies map[string]string
	facts         []string
}

func parseInput(t *testing.T, text string) []*inputStep {
	t.Helper()
	var steps []*inputStep
	heads := partHead.FindAllStringSubmatchIndex(text, -1)
	group := func(head []int, n int) string {
		if head[2*n] < 0 {
			return ""
		}
		return text[head[2*n]:head[2*n+1]]
	}
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		content, number := text[head[1]:end], group(head, 1)+group(head, 2)
		for strconv.Itoa(len(steps)) < number {
			steps = append(steps, &inputStep{files: map[string]string{}, copies: map[string]string{}})
		}
		step, name, of := steps[len(steps)-1], group(head, 3), group(head, 4)
		switch {
		case strconv.Itoa(len(steps)) != number:
			t.Fatalf("step %s comes after a later one", number)
		case name == "":
			step.facts = strings.Split(strings.TrimSpace(content), "\n")
		case of != "":
			step.copies[name] = of
		default:
			step.files[name] = written(content, group(head, 5))
		}
	}
	return steps
}

func written(content, how string) string {
	if strings.Contains(how, "removed") {
		return gitserver.Removed
	}
	if strings.Contains(how, "crlf") {
		content = strings.ReplaceAll(content, "\n", "\r\n")
	}
	if strings.Contains(how, "bom") {
		content = "\ufeff" + content
	}
	return content
}

// unquoted reads a name in double quotes, and the escapes of a text.
func unquoted(t *testing.T, text string) string {
	t.Helper()
	text = strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`)
	plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return plain
}

// ran is what a sync did.
type ran struct {
	t             *testing.T
	before, after map[string]string // the files of the directory
	exit, commits int
	status        system.Status
	findings      []string // code, file, message and remedy of each
}

func runInput(t *testing.T, text string) {
	t.Helper()
	steps := parseInput(t, text)
	git, redis := gitserver.Start(t, gitserver.Options{}), system.Redis(t)
	git.Create(t, repository, branch, map[string]string{"README.md": "# Fabrics\n"})
	for i, step := range steps {
		step.commit(t, git)
		done := syncInput(t, git, redis)
		for _, fact := range step.facts {
			if wrong := done.wrong(fact); wrong != "" {
				t.Errorf("step %d: %s: %s; the findings are %q", i+1, fact, wrong, done.findings)
			}
		}
	}
	if again := syncInput(t, git, redis); again.commits != 0 {
		t.Errorf("one more sync made a commit: %+v", again.status.Result.Plan)
	}
}

func (step *inputStep) commit(t *testing.T, git *gitserver.Server) {
	t.Helper()
	files := map[string]string{}
	for name, content := range step.files {
		if inside, quoted := strings.CutPrefix(name, `"`); quoted {
			files[`"`+directory+"/"+inside] = content
			continue
		}
		files[directory+"/"+name] = content
	}
	for name, of := range step.copies {
		files[directory+"/"+name] = git.Files(t, repository, branch)[directory+"/"+of]
	}
	git.Commit(t, repository, branch, files)
}

func syncInput(t *testing.T, git *gitserver.Server, redis *system.RedisServer) *ran {
	t.Helper()
	r := &ran{t: t, before: below(git.Files(t, repository, branch), directory)}
	commits := git.Commits(t, repository, branch)
	result := programs.Run(t, nil, "sync", "--repo", git.Path(repository), "--branch", branch, "--dir", directory,
		"--redis", redis.URL(), "-o=json")
	r.after, r.exit = below(git.Files(t, repository, branch), directory), result.Code
	r.commits = git.Commits(t, repository, branch) - commits
	var problem system.Problem
	for _, into := range []any{&r.status, &problem} {
		if err := json.Unmarshal([]byte(result.Stdout), into); err != nil {
			t.Fatalf("%v: %s", err, result.Output())
		}
	}
	for _, f := range append(r.status.Errors, r.status.Warnings...) {
		r.findings = append(r.findings, fmt.Sprintf("%s %s %s %s", f.Code, f.File, f.Message, f.Remedy))
	}
	if e := problem.Error; e.Code != "" {
		r.findings = append(r.findings, fmt.Sprintf("%s %s %s", e.Code, e.Message, e.Remedy))
	}
	return r
}

// wrong says what of a fact is not so.
func (r *ran) wrong(fact string) string {
	r.t.Helper()
	verb, rest, _ := strings.Cut(fact, " ")
	switch verb {
	case "exit":
		return differs(r.exit, rest)
	case "commits":
		return differs(r.commits, rest)
	case "resources":
		return differs(r.status.Result.ResourcesTotal, rest)
	case "plan":
		return r.wrongPlan(rest)
	case "finding", "no":
		return r.wrongFinding(fact)
	}
	return r.wrongFile(verb, rest)
}

func differs(is int, wanted string) string {
	if strconv.Itoa(is) == wanted {
		return ""
	}
	return fmt.Sprint("it is ", is)
}

func (r *ran) wrongPlan(rest string) string {
	plan := r.status.Result.Plan
	verb, wanted, _ := strings.Cut(rest, " ")
	n, known := map[string]int{
		"creates": plan.Creates, "updates": plan.Updates, "deletes": plan.Deletes, "duplicates": plan.Duplicates,
		"quarantines": plan.Quarantines,
	}[verb]
	if !known {
		return "no number of a plan"
	}
	return differs(n, wanted)
}

func (r *ran) wrongFinding(fact string) string {
	none, is := strings.CutPrefix(fact, "no finding ")
	code, text, _ := strings.Cut(strings.TrimPrefix(fact, "finding "), ": ")
	for _, f := range r.findings {
		switch {
		case is && strings.HasPrefix(f, none+" "):
			return "there is one"
		case !is && strings.HasPrefix(f, code+" ") && strings.Contains(f, text):
			return ""
		}
	}
	if is {
		return ""
	}
	return "there is none"
}

func (r *ran) wrongFile(verb, rest string) string {
	r.t.Helper()
	name, text := rest, ""
	switch verb {
	case "same":
		name, text, _ = strings.Cut(rest, " ")
	case "has", "lacks", "once":
		name, text, _ = strings.Cut(rest, ": ")
		text = unquoted(r.t, text)
	}
	name = unquoted(r.t, name)
	content, there := r.after[name]
	before, was := r.before[name]
	holds := false
	switch verb {
	case "present":
		holds = matching(r.after, name)
	case "absent":
		holds = !matching(r.after, name)
	case "unchanged":
		holds = there && was && content == before
	case "same":
		other, was := r.before[text]
		holds = there && was && content == other
	case "has":
		holds = there && strings.Contains(content, text)
	case "lacks":
		holds = there && !strings.Contains(content, text)
	case "once":
		holds = strings.Count(content, text) == 1
	default:
		return "no fact"
	}
	if holds {
		return ""
	}
	return fmt.Sprintf("it is %t, %q", there, content)
}

func matching(files map[string]string, pattern string) bool {
	for name := range files {
		if fits, _ := path.Match(pattern, name); fits {
			return true
		}
	}
	return false
}
