package e2e

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// witnessed is a system whose syncs have made commits that name lines of its audit.
type witnessed struct {
	*host
	*system.System
	t      *testing.T
	bridge string // the process that writes the audit
	folder string // where it writes it
}

// verified is what fgd audit verify says as JSON.
type verified struct {
	Intact      bool
	LastSeq     int64 `json:"last_seq"`
	Checkpoints int
	Witnesses   int
	Problems    []struct {
		Seq     int64
		Message string
	}
}

// TestAuditAgainstCommits: fgd audit verify holds the audit against what commits say of it. Whoever changes a line,
// turns lines around, makes all anew, or takes files and checkpoints back to what they were, while the process is dead,
// is found when it runs again.
func TestAuditAgainstCommits(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]struct {
		how            division
		bridge, folder string
	}{
		"one": {system.Binaries.One, "fgd", "audit"}, "five": {system.Binaries.Five, "bridge", "audit-0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &witnessed{host: newHost(t, fabric.PreInit(directory)), t: t, bridge: in.bridge}
			w.System = in.how(programs, t, system.Redis(t).URL(), nil)
			w.folder = filepath.Join(w.Data, in.folder)
			w.againstCommits()
		})
	}
}

func (w *witnessed) againstCommits() {
	w.t.Helper()
	var accepted system.Accepted
	w.Call(http.MethodPost, "/api/v1/fabrics", w.fabric(), &accepted)
	w.requireIngested(w.Ended(accepted.SyncID))
	w.Processes[w.bridge].Stop() // and so the end is signed
	earlier := read(w.t, w.folder, "")
	w.restart()
	w.Commit(w.t, repository, branch, map[string]string{directory + "/raw/later.yaml": fabric.VPC("later", 7)})
	w.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &accepted)
	if status := w.Ended(accepted.SyncID); status.State != "completed" || status.Result.CommitSHA == "" {
		w.t.Fatalf("the second sync: %+v", status)
	}
	if n := w.trailers(); n != 2 {
		w.t.Fatalf("%d commits name a line, not 2", n)
	}
	w.requireIntact()
	w.Processes[w.bridge].Stop()
	whole := read(w.t, w.folder, "")
	for name, tampered := range w.ways(earlier, whole) {
		w.put(tampered.files)
		w.restart()
		w.requireFound(name, tampered.says)
		w.Processes[w.bridge].Kill()
	}
	w.put(whole)
	w.restart()
	w.requireIntact()
}

// tampered are the files of an audit as somebody has left them, and what has to be said of them.
type tampered struct {
	files map[string]string
	says  string
}

// ways are those in which an audit is tampered with.
func (w *witnessed) ways(earlier, whole map[string]string) map[string]tampered {
	w.t.Helper()
	lines := strings.SplitAfter(strings.TrimSuffix(whole["audit.jsonl"], "\n"), "\n")
	lines[len(lines)-1] += "\n"
	middle := len(lines) / 2
	with := func(lines []string) map[string]string {
		files := maps.Clone(whole)
		files["audit.jsonl"] = strings.Join(lines, "")
		return files
	}
	changed, turned, forged := slices.Clone(lines), slices.Clone(lines), slices.Clone(lines)
	changed[middle] = strings.Replace(changed[middle], `"action":"`, `"action":"another `, 1)
	turned[middle], turned[middle-1] = turned[middle-1], turned[middle]
	w.forge(forged, 0)
	unsigned := with(forged)
	delete(unsigned, "audit.checkpoints")
	return map[string]tampered{
		"a line is changed":                     {with(changed), "is not what it was"},
		"lines are turned around":               {with(turned), "does not follow line"},
		"all is made anew":                      {with(forged), "is not the one that was signed"},
		"all is made anew, without checkpoints": {unsigned, "than commit "},
		"file and checkpoints are cut":          {earlier, "which commit "},
	}
}

// forge makes a line and all that follow it anew, as somebody can who has no key.
func (w *witnessed) forge(lines []string, from int) {
	w.t.Helper()
	var head chain.Head
	for i, text := range lines[from:] {
		line, err := chain.Parse(bytes.TrimSpace([]byte(text)))
		if err != nil {
			w.t.Fatal(err)
		}
		if i == 0 {
			head = chain.Head{Log: line.Log, Seq: line.Seq - 1, Hash: line.Prev}
			line.Message = "nobody has seen this"
		}
		raw, next, err := line.Seal(head)
		if err != nil {
			w.t.Fatal(err)
		}
		lines[from+i], head = string(raw), next
	}
}

// put leaves these files in the folder of the audit, and no others.
func (w *witnessed) put(files map[string]string) {
	w.t.Helper()
	if err := os.RemoveAll(w.folder); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Mkdir(w.folder, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *witnessed) restart() {
	w.t.Helper()
	w.Restart(w.bridge)
	w.AwaitReady()
}

// trailers is how many commits name a line of the audit.
func (w *witnessed) trailers() int {
	w.t.Helper()
	return strings.Count(w.Git(w.t, repository, "log", "--format=%(trailers:key=Fgd-Audit)", branch), "Fgd-Audit: ")
}

// verify has the audit verified by the command.
func (w *witnessed) verify(code int) verified {
	w.t.Helper()
	result := programs.Run(w.t, nil, "audit", "verify", "-o=json", "--server", w.GRPC, "--token-file", w.TokenFile)
	if result.Code != code {
		w.t.Fatalf("exit %d, not %d\n%s", result.Code, code, result.Output())
	}
	return system.Read[verified](w.t, result.Stdout)
}

func (w *witnessed) requireIntact() {
	w.t.Helper()
	report := w.verify(0)
	if !report.Intact || report.Witnesses != w.trailers() || report.Checkpoints == 0 || report.LastSeq < 4 {
		w.t.Errorf("%d commits, and verified %+v", w.trailers(), report)
	}
}

// requireFound holds that the command finds what was done, and what it says of it.
func (w *witnessed) requireFound(name, says string) {
	w.t.Helper()
	report := w.verify(1)
	for _, problem := range report.Problems {
		if !report.Intact && strings.Contains(problem.Message, says) {
			return
		}
	}
	w.t.Errorf("%s: nothing says %q: %+v", name, says, report)
}
