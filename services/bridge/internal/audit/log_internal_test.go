package audit

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a disk that can be full: nothing fits on it any more, or the beginning of what is written.
type disk struct {
	full   atomic.Bool
	part   atomic.Int64 // so many bytes fit
	writes atomic.Int64
	syncs  atomic.Int64
}

type onDisk struct {
	*os.File
	disk *disk
}

func (d *disk) open(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return onDisk{f, d}, nil
}

var errFull = errors.New("no space left on the disk")

func (f onDisk) Write(p []byte) (int, error) {
	f.disk.writes.Add(1)
	if !f.disk.full.Load() {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:min(int64(len(p)), f.disk.part.Load())])
	return n, errors.Join(err, errFull)
}

func (f onDisk) Sync() error {
	f.disk.syncs.Add(1)
	return f.File.Sync()
}

func config(t testing.TB) Config {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "audit")
	return Config{File: filepath.Join(folder, "audit.jsonl"), KeyFile: filepath.Join(folder, "key"), RotateBytes: 64 << 20}
}

func opened(t testing.TB, cfg Config, d *disk) *Log {
	t.Helper()
	l, err := openWith(cfg, time.Now, slog.New(slog.DiscardHandler), d.open)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // some tests close it themselves
	return l
}

func call(id string, stage chain.Stage) chain.Line {
	return chain.Line{ID: id, Stage: stage, Time: time.Now(), Action: "fgd.bridge.v1.FabricService/CreateFabric"}
}

func requireIntact(t testing.TB, l *Log, witnesses ...chain.Witness) chain.Report {
	t.Helper()
	report, err := l.Verify(witnesses)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("line %d: %s", p.Seq, p.Text)
	}
	return report
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestManyCallersShareAnFsync: all lines are there, in one chain, and the disk was not asked for each.
func TestManyCallersShareAnFsync(t *testing.T) {
	t.Parallel()
	d := &disk{}
	l := opened(t, config(t), d)
	var callers sync.WaitGroup
	const many, each = 64, 50
	for i := range many {
		callers.Go(func() {
			for j := range each {
				if _, err := l.Append(call(fmt.Sprint(i, "-", j), chain.Denied)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if report := requireIntact(t, l); report.Lines != many*each || report.Checkpoints < 3 {
		t.Errorf("report %+v", report)
	}
	if d.syncs.Load() > many*each/2 {
		t.Errorf("%d fsyncs for %d lines", d.syncs.Load(), many*each)
	}
}

// TestAFullDiskRefusesAndHeals: what can't be written is refused and leaves nothing; what is to be kept comes later.
func TestAFullDiskRefusesAndHeals(t *testing.T) {
	t.Parallel()
	for _, part := range []int64{0, 100, 1 << 20} {
		d := &disk{}
		l := opened(t, config(t), d)
		_, err := l.Append(call("a", chain.Denied))
		must(t, err)
		d.part.Store(part)
		d.full.Store(true)
		if _, err := l.Append(call("b", chain.Requested)); !errs.HasCode(err, errs.AuditUnwritable) {
			t.Errorf("%d bytes fit: %v", part, err)
		}
		if _, err := l.Keep(call("c", chain.Completed)); !errs.HasCode(err, errs.AuditUnwritable) || l.Check() == nil {
			t.Errorf("%d bytes fit: %v, and it says %v", part, err, l.Check())
		}
		d.full.Store(false)
		_, err = l.Append(call("d", chain.Denied))
		must(t, err)
		raw, err := os.ReadFile(l.cfg.File)
		must(t, err)
		if l.Check() != nil || bytes.Count(raw, []byte("\n")) != 3 || bytes.Contains(raw, []byte(`"id":"b"`)) ||
			!bytes.Contains(raw, []byte(`"id":"c"`)) {
			t.Errorf("%d bytes fit: %v, %s", part, l.Check(), raw)
		}
		requireIntact(t, l)
	}
}

// TestAFileThatIsTakenAwayRefuses: a folder in its place, and the file again.
func TestAFileThatIsTakenAwayRefuses(t *testing.T) {
	t.Parallel()
	l := opened(t, config(t), &disk{})
	_, err := l.Append(call("a", chain.Denied))
	must(t, err)
	moved := l.cfg.File + ".moved"
	must(t, os.Rename(l.cfg.File, moved))
	must(t, os.Mkdir(l.cfg.File, 0o700))
	if _, err := l.Append(call("b", chain.Denied)); !errs.HasCode(err, errs.AuditUnwritable) {
		t.Errorf("a folder is in its place: %v", err)
	}
	must(t, os.Remove(l.cfg.File))
	must(t, os.Rename(moved, l.cfg.File))
	_, err = l.Append(call("c", chain.Denied))
	must(t, err)
	if report := requireIntact(t, l); report.Lines != 2 {
		t.Errorf("report %+v", report)
	}
}

// TestWhatACrashLeaves: the end of a line that was cut off is put aside, a call without an end is interrupted, and the
// chain goes on.
func TestWhatACrashLeaves(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	l := opened(t, cfg, &disk{})
	for _, stage := range []chain.Stage{chain.Requested, chain.Completed} {
		_, err := l.Append(call("whole", stage))
		must(t, err)
	}
	head, err := l.Append(call("half", chain.Requested))
	must(t, err)
	must(t, l.Close())
	f, err := os.OpenFile(cfg.File, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"log":"0123`)
	must(t, errors.Join(err, f.Close()))
	must(t, os.WriteFile(chain.CheckpointsOf(cfg.File)+".x", nil, 0o600))
	again := opened(t, cfg, &disk{})
	report := requireIntact(t, again, chain.Witness{Head: head, Where: "a commit"})
	if report.Lines != 5 || len(report.Recovered) != 1 || report.Witnesses != 1 {
		t.Errorf("report %+v", report)
	}
	aside, err := filepath.Glob(chain.StemOf(cfg.File) + "-after-3-*.torn")
	if err != nil || len(aside) != 1 {
		t.Fatalf("put aside: %v, %v", aside, err)
	}
	if raw, err := os.ReadFile(aside[0]); err != nil || string(raw) != `{"log":"0123` {
		t.Errorf("put aside: %q, %v", raw, err)
	}
	raw, err := os.ReadFile(cfg.File)
	must(t, err)
	if strings.Count(string(raw), `"id":"half","stage":"interrupted"`) != 1 || strings.Contains(string(raw),
		`"id":"whole","stage":"interrupted"`) {
		t.Errorf("the file has %s", raw)
	}
}

// TestRotationKeepsTheChain: over many files, also those that are opened anew, and each has its checkpoints.
func TestRotationKeepsTheChain(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.RotateBytes = 2000
	for range 3 {
		l := opened(t, cfg, &disk{})
		for i := range 40 {
			_, err := l.Append(call(fmt.Sprint(i), chain.Denied))
			must(t, err)
		}
		requireIntact(t, l)
		must(t, l.Close())
	}
	l := opened(t, cfg, &disk{})
	report := requireIntact(t, l)
	old, err := chain.Archives(cfg.File)
	must(t, err)
	if report.Lines != 120 || len(old) < 10 {
		t.Errorf("%d files, report %+v", len(old), report)
	}
	must(t, errors.Join(os.Remove(old[0]), os.Remove(chain.CheckpointsOf(old[0])))) // archived
	if report := requireIntact(t, l); report.First.Seq == 1 {
		t.Errorf("report %+v", report)
	}
	must(t, os.Remove(old[3]))
	if report, err := l.Verify(nil); err != nil || report.Total == 0 {
		t.Errorf("a file in the middle is gone: %+v, %v", report, err)
	}
}

// TestTwoProcesses: only one of them has the file.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	l := opened(t, cfg, &disk{})
	if _, err := Open(cfg, time.Now, slog.New(slog.DiscardHandler)); !errs.HasCode(err, errs.FolderInUse) {
		t.Errorf("the second one: %v", err)
	}
	must(t, l.Close())
	opened(t, cfg, &disk{})
}

// TestAnAuditThatCantBeOpened: the key of the configuration is named, with what to do, before anything is served.
func TestAnAuditThatCantBeOpened(t *testing.T) {
	t.Parallel()
	for says, spoil := range map[string]func(c *Config, folder string){
		"audit_file: ": func(c *Config, folder string) { c.File = filepath.Join(folder, "a file", "audit.jsonl") },
		"can't be written": func(c *Config, _ string) {
			must(t, os.MkdirAll(c.File, 0o700)) // a folder is in its place
		},
		"can't be read or made":     func(c *Config, folder string) { c.KeyFile = filepath.Join(folder, "a file", "key") },
		"has no key of checkpoints": func(c *Config, folder string) { c.KeyFile = filepath.Join(folder, "a file") },
	} {
		cfg, folder := config(t), t.TempDir()
		must(t, os.WriteFile(filepath.Join(folder, "a file"), []byte("x\n"), 0o600))
		spoil(&cfg, folder)
		_, err := Open(cfg, time.Now, slog.New(slog.DiscardHandler))
		e := errs.From(err)
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(e.Message, says) || e.RemedyText() == "" {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// TestOthersCantRead: the file and the key are for their owner alone.
func TestOthersCantRead(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	l := opened(t, cfg, &disk{})
	_, err := l.Append(call("a", chain.Denied))
	must(t, err)
	for _, path := range []string{cfg.File, cfg.KeyFile} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %o", path, info.Mode().Perm())
		}
	}
}

// TestLinesComeNewestFirst: over files, from any line on.
func TestLinesComeNewestFirst(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.RotateBytes = 3000
	l := opened(t, cfg, &disk{})
	for i := range 50 {
		_, err := l.Append(call(fmt.Sprint(i), chain.Denied))
		must(t, err)
	}
	parts, err := l.Parts()
	must(t, err)
	defer parts.Close()
	next := int64(37)
	must(t, parts.Newest(t.Context(), next+1, func(line chain.Line) bool {
		if line.Seq != next {
			t.Fatalf("line %d, not %d", line.Seq, next)
		}
		next--
		return true
	}))
	if next != 0 {
		t.Errorf("it ended before line %d", next)
	}
}

// TestFewLinesAreSignedByTheClock: ten minutes after the start, and then each ten minutes in which a line came. Whoever
// cuts off such a line is found.
func TestFewLinesAreSignedByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(t)
		l := opened(t, cfg, &disk{})
		_, err := l.Append(call("a", chain.Denied))
		must(t, err)
		_, err = l.Append(call("b", chain.Denied))
		must(t, err)
		for i, step := range []struct {
			sleep time.Duration
			line  bool // one more comes before
			want  int
		}{
			{checkpointPeriod - time.Second, false, 0},
			{time.Second, false, 1},
			{3 * checkpointPeriod, false, 1},
			{checkpointPeriod, true, 2},
		} {
			if step.line {
				_, err := l.Append(call("c", chain.Denied))
				must(t, err)
			}
			time.Sleep(step.sleep)
			synctest.Wait()
			if report := requireIntact(t, l); report.Checkpoints != step.want {
				t.Errorf("step %d: %d checkpoints, not %d", i, report.Checkpoints, step.want)
			}
		}
		raw, err := os.ReadFile(cfg.File)
		must(t, err)
		must(t, os.WriteFile(cfg.File, raw[:bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1], 0o600))
		if report, err := l.Verify(nil); err != nil || report.Total != 1 {
			t.Errorf("the signed end is cut off: %+v, %v", report, err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := opened(b, config(b), &disk{})
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(call("benchmark", chain.Denied)); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
