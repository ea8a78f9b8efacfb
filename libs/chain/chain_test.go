package chain_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/chain"
)

// written is a log as it is in a file.
type written struct {
	lines    [][]byte // with their ends
	notes    []byte
	head     chain.Head
	verifier note.Verifier
}

func write(t interface{ Fatal(args ...any) }, n, every int) written {
	secret, public, err := note.GenerateKey(rand.Reader, chain.KeyName)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	w := written{head: chain.Head{Log: "0123456789abcdef", Hash: chain.Origin}}
	if w.verifier, err = note.NewVerifier(public); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		line := chain.Line{ID: fmt.Sprint("call-", i), Stage: chain.Denied, Time: time.Unix(int64(i), 0), Action: "x"}
		raw, head, err := line.Seal(w.head)
		if err != nil {
			t.Fatal(err)
		}
		w.lines, w.head = append(w.lines, raw), head
		if (i+1)%every == 0 {
			signed, err := chain.Checkpoint{Head: head, Time: time.Unix(int64(i), 0), Kind: chain.Regular}.Sign(signer)
			if err != nil {
				t.Fatal(err)
			}
			w.notes = append(w.notes, signed...)
		}
	}
	return w
}

func (w written) examine(t interface{ Fatal(args ...any) }, lines [][]byte, notes []byte, witness bool) chain.Report {
	var witnesses []chain.Witness
	if witness {
		witnesses = []chain.Witness{{Head: w.head, Where: "a commit"}}
	}
	e := chain.NewExamination(w.verifier, 0, witnesses)
	if err := e.File("audit.jsonl", bytes.NewReader(bytes.Join(lines, nil)), notes); err != nil {
		t.Fatal(err)
	}
	return e.End()
}

func TestAnUntouchedLogIsIntact(t *testing.T) {
	t.Parallel()
	w := write(t, 2500, chain.Interval)
	report := w.examine(t, w.lines, w.notes, true)
	if report.Total != 0 || report.Lines != 2500 || report.Checkpoints != 2 || report.Witnesses != 1 ||
		report.Last != w.head {
		t.Errorf("report %+v", report)
	}
}

// TestWhateverIsDoneToALogIsFound: lines removed, changed, put in again, turned around, or cut off at the end together
// with their checkpoints, where a commit names the last line.
func TestWhateverIsDoneToALogIsFound(t *testing.T) {
	t.Parallel()
	w := write(t, 60, 7)
	rapid.Check(t, func(t *rapid.T) {
		lines, notes := slices.Clone(w.lines), w.notes
		i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		ways := []string{"remove", "change", "repeat", "turn", "cut", "forge", "cut and forge"}
		switch rapid.SampledFrom(ways).Draw(t, "what") {
		case "remove":
			lines = slices.Delete(lines, i, min(i+rapid.IntRange(1, 5).Draw(t, "many"), len(lines)))
		case "change":
			changed := bytes.Clone(lines[i])
			at := rapid.IntRange(0, len(changed)-2).Draw(t, "byte")
			changed[at] ^= byte(rapid.IntRange(1, 127).Draw(t, "bits"))
			lines[i] = changed
		case "repeat":
			lines = slices.Insert(lines, rapid.IntRange(0, len(lines)).Draw(t, "to"), lines[i])
		case "turn":
			j := rapid.IntRange(0, len(lines)-1).Filter(func(j int) bool { return j != i }).Draw(t, "other")
			lines[i], lines[j] = lines[j], lines[i]
		case "cut":
			lines = lines[:i]
			notes = w.notesBefore(i)
		case "forge": // all that follows is made anew, by somebody who has no key
			forge(t, lines, i)
		case "cut and forge": // and no checkpoint is left that says otherwise
			forge(t, lines, i)
			notes = w.notesBefore(i)
		}
		if report := w.examine(t, lines, notes, true); report.Total == 0 {
			t.Errorf("nothing was found in %d lines", len(lines))
		}
	})
}

// notesBefore are the checkpoints of the lines before one.
func (w written) notesBefore(line int) []byte {
	notes := w.notes
	for range len(w.lines)/7 - line/7 {
		notes = notes[:max(0, bytes.LastIndex(bytes.TrimSuffix(notes, []byte("\n\n")), []byte("\n\nfgd-audit/"))+2)]
	}
	return notes
}

// forge makes a line and all that follow it anew.
func forge(t interface{ Fatal(args ...any) }, lines [][]byte, from int) {
	head := chain.Head{Log: "0123456789abcdef", Hash: chain.Origin}
	if from > 0 {
		line, _ := chain.Parse(bytes.TrimSpace(lines[from-1]))
		head = line.Head()
	}
	for i := from; i < len(lines); i++ {
		raw, next, err := chain.Line{ID: "forged", Stage: chain.Denied, Action: "y"}.Seal(head)
		if err != nil {
			t.Fatal(err)
		}
		lines[i], head = raw, next
	}
}

// TestRemovedCheckpointsAreFound: the lines alone say nothing of their end.
func TestRemovedCheckpointsAreFound(t *testing.T) {
	t.Parallel()
	w := write(t, 2*(chain.Interval+chain.MaxBatch), chain.Interval)
	if report := w.examine(t, w.lines, nil, false); report.Total == 0 {
		t.Error("all checkpoints are gone, and nothing was found")
	}
	other := write(t, 2000, chain.Interval)
	if report := w.examine(t, w.lines, other.notes, false); report.Total == 0 {
		t.Error("checkpoints of another key were taken")
	}
	if report := w.examine(t, w.lines[:1500], w.notes, false); report.Total == 0 {
		t.Error("the end is cut off, and a checkpoint names it")
	}
}

// TestNothingOpensALine: what callers name themselves stays in one line, and in its field.
func TestNothingOpensALine(t *testing.T) {
	t.Parallel()
	head := chain.Head{Log: "0123456789abcdef", Hash: chain.Origin}
	for _, name := range []string{
		"a\r\nb", "\x00\x1b[31m\u2028\u202e", `","hash":"0"}`, strings.Repeat("x", 1<<20), "\xff\xfe", "<b>&\u2029",
	} {
		raw, next, err := chain.Line{
			ID: name, Stage: chain.Denied, Action: name, Message: name, Source: name, SyncID: name, Code: name,
			Principal: &chain.Principal{Name: name, Method: name, Via: name, Subject: name, TokenID: name},
			Object:    &chain.Object{Kind: name, Name: name}, CorrelationID: name, TraceID: name,
		}.Seal(head)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > chain.MaxLine || bytes.Count(raw, []byte("\n")) != 1 {
			t.Errorf("%q made %d bytes in %d lines", name[:min(9, len(name))], len(raw), bytes.Count(raw, []byte("\n")))
		}
		line, err := chain.Parse(bytes.TrimSuffix(raw, []byte("\n")))
		if err != nil || line.Head() != next || line.Seq != 1 {
			t.Errorf("%q was read as %+v, %v", name[:min(9, len(name))], line, err)
		}
	}
}

// TestHeadsOfACommit: strictly read, and not more than so many.
func TestHeadsOfACommit(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	good := "7:" + hash + " 0123456789abcdef"
	for text, want := range map[string]int{
		"Sync\n\nFgd-Audit: " + good + "\n":                                  1,
		"Sync\n\nFgd-Audit: " + good + "\nFgd-Audit: " + good + "\n":         2,
		"Sync\n\nFgd-Audit: " + good + "\n\nother":                           0,
		"Sync\n\nFgd-Audit: 0:" + hash + " 0123456789abcdef":                 0,
		"Sync\n\nFgd-Audit: 7:" + hash:                                       0,
		"Sync\n\nFgd-Audit: 7:" + strings.ToUpper(hash) + " 0123456789abcde": 0,
		"Sync\n\n" + strings.Repeat("Fgd-Audit: "+good+"\n", 100):            chain.MaxHeads,
	} {
		if got := chain.HeadsIn(text, "Fgd-Audit"); len(got) != want {
			t.Errorf("%q has %v", text[:min(60, len(text))], got)
		}
	}
}

// FuzzLine: what is taken for a line is written in one way alone.
func FuzzLine(f *testing.F) {
	raw, _, _ := chain.Line{
		ID: "a", Stage: chain.Denied, Action: "b", Principal: &chain.Principal{Name: "c"}, Object: &chain.Object{Kind: "d"},
	}.Seal(chain.Head{Log: "0123456789abcdef", Hash: chain.Origin})
	f.Add(bytes.TrimSuffix(raw, []byte("\n")))
	f.Add([]byte(`{"log":"","seq":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		line, err := chain.Parse(raw)
		if err != nil {
			return
		}
		again, head, err := line.Seal(chain.Head{Log: line.Log, Seq: line.Seq - 1, Hash: line.Prev})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, append(raw, '\n')) && head == line.Head() {
			t.Errorf("%q is %q", raw, again)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add("7:" + strings.Repeat("ab", 32) + " 0123456789abcdef")
	f.Fuzz(func(t *testing.T, text string) {
		if head, ok := chain.ParseHead(text); ok && head.String() != text {
			t.Errorf("%q is %q", text, head)
		}
	})
}
