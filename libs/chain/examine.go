package chain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
)

// Problem is something that is not right in a log.
type Problem struct {
	Seq  int64 // the line that it is about, or the one before it
	Text string
}

// Witness is who saw a head elsewhere.
type Witness struct {
	Head
	Where string // in words, as "commit 1234 of fabric 35"
	// Forger is who else could have written what the witness says, in words; empty for nobody.
	Forger string
}

// doubt returns how else than by a changed file it can come that a witness says something else.
func (w Witness) doubt() string {
	if w.Forger == "" {
		return "."
	}
	return ", or " + w.Forger + " made that up."
}

// maxProblems is how many are told; all are counted.
const maxProblems = 100

// Examination looks for what is wrong with a log. Its files are handed over in their order, the oldest first.
type Examination struct {
	verifier  note.Verifier // nil: signatures are not looked at
	until     int64         // what is newer is not looked at; 0 for no end
	witnesses map[int64][]Witness

	first, last Head
	signed      int64 // the last line that a checkpoint speaks of
	unmatched   []Checkpoint
	lines       int64
	checkpoints int
	confirmed   int
	recovered   []int64
	problems    []Problem
	total       int
}

// NewExamination returns an examination against what witnesses saw of the log. Lines after until are left out, unless
// it is 0.
func NewExamination(verifier note.Verifier, until int64, witnesses []Witness) *Examination {
	e := &Examination{verifier: verifier, until: until, witnesses: map[int64][]Witness{}}
	for _, w := range witnesses {
		e.witnesses[w.Seq] = append(e.witnesses[w.Seq], w)
	}
	return e
}

// Report is what came of an examination.
type Report struct {
	First, Last Head
	Lines       int64
	Checkpoints int
	Witnesses   int     // that confirm a line
	Recovered   []int64 // lines that tell of a damaged end
	Problems    []Problem
	Total       int // of problems
}

// File looks at a file and its checkpoints. An error is one of reading.
func (e *Examination) File(name string, lines io.Reader, checkpoints []byte) error {
	notes, before := e.notes(name, checkpoints)
	begins := true
	err := Lines(lines, func(raw []byte) error {
		line, bad := Parse(raw)
		if e.until > 0 && line.Seq > e.until {
			return io.EOF
		}
		if begins {
			e.begin(name, line, before)
			begins = false
		}
		e.line(line, bad, notes)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, c := range notes {
		e.unmatched = append(e.unmatched, c)
	}
	return nil
}

// Lines calls with each line of a file, without its end, until there are none or the call returns an error. io.EOF of
// the call ends it, and is none.
func Lines(r io.Reader, visit func(raw []byte) error) error {
	reader := bufio.NewReaderSize(r, 64<<10)
	for {
		raw, err := readLine(reader)
		if err == nil {
			err = visit(raw)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine returns the next line without its end. The end of the file may lack one.
func readLine(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		piece, err := r.ReadSlice('\n')
		if len(whole) <= MaxLine { // what is longer is no line, however it goes on
			whole = append(whole, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(whole) > 0:
			return whole, nil
		case err != nil:
			return nil, err
		}
		return bytes.TrimSuffix(whole, []byte("\n")), nil
	}
}

// notes reads checkpoints: those that speak of lines of the file by their numbers, and that of the file before.
func (e *Examination) notes(name string, raw []byte) (of map[int64]Checkpoint, before *Checkpoint) {
	of = map[int64]Checkpoint{}
	if e.verifier == nil {
		return of, nil
	}
	for first := true; len(raw) > 0; first = false {
		var signed []byte
		if signed, raw = NextNote(raw); signed == nil {
			e.problem(e.last.Seq, "The checkpoints of %s end in the middle of one.", name)
			break
		}
		c, err := OpenNote(signed, e.verifier)
		if err != nil {
			e.problem(e.last.Seq, "A checkpoint of %s, after that of line %d, is none: %v.", name, e.signed, err)
			continue
		}
		if e.until > 0 && c.Seq > e.until {
			break
		}
		if first && c.Kind == Beginning {
			before = &c
			e.signed = max(e.signed, c.Seq)
			continue
		}
		e.checkpoints++
		if c.Seq < e.signed || c.Seq > e.signed+Interval+MaxBatch {
			e.problem(c.Seq, "There is no checkpoint between those of the lines %d and %d: some were removed, or turned around.",
				e.signed, c.Seq)
		}
		e.signed = max(e.signed, c.Seq)
		of[c.Seq] = c
	}
	return of, before
}

// begin judges the first line of a file.
func (e *Examination) begin(name string, line Line, before *Checkpoint) {
	if e.last.Seq != 0 || line.Seq <= 1 && line.Prev == Origin {
		return // what went before is judged with the line itself
	}
	e.last = Head{line.Log, line.Seq - 1, line.Prev}
	if e.verifier != nil && (before == nil || before.Head != e.last) {
		e.problem(line.Seq, "%s begins with line %d, and no checkpoint says that a file ended before it: what was there "+
			"was removed.", name, line.Seq)
	}
	e.signed = max(e.signed, e.last.Seq)
}

// line judges the next line.
func (e *Examination) line(line Line, bad error, notes map[int64]Checkpoint) {
	e.lines++
	if bad != nil && line.Seq == 0 {
		e.problem(e.last.Seq, "What follows line %d can't be read: %v.", e.last.Seq, bad)
		return
	}
	if bad != nil {
		e.problem(line.Seq, "Line %d is not what it was: %v.", line.Seq, bad)
	}
	if e.last.Log == "" && line.Seq == 1 {
		e.last = Head{Log: line.Log, Hash: Origin}
	}
	if line.Log != e.last.Log || line.Seq != e.last.Seq+1 || line.Prev != e.last.Hash {
		e.problem(line.Seq, "Line %d does not follow line %d: lines were removed, put in, or turned around.", line.Seq,
			e.last.Seq)
	}
	if e.first.Seq == 0 {
		e.first = line.Head()
	}
	if line.Stage == Recovered {
		e.recovered = append(e.recovered, line.Seq)
	}
	e.last = line.Head()
	if c, signed := notes[line.Seq]; signed {
		delete(notes, line.Seq)
		if c.Head != e.last {
			e.problem(line.Seq, "Line %d is not the one that was signed on %s.", line.Seq, c.Time.Format("2006-01-02 15:04"))
		}
	}
	for _, w := range e.witnesses[line.Seq] {
		e.compare(w)
	}
	delete(e.witnesses, line.Seq)
}

// compare holds the last line against what somebody saw of it.
func (e *Examination) compare(w Witness) {
	if w.Head != e.last {
		e.problem(w.Seq, "Line %d has another hash than %s says: the file was changed, in that line or one before it%s",
			w.Seq, w.Where, w.doubt())
		return
	}
	e.confirmed++
}

func (e *Examination) problem(seq int64, format string, args ...any) {
	if e.total++; len(e.problems) < maxProblems {
		e.problems = append(e.problems, Problem{seq, fmt.Sprintf(format, args...)})
	}
}

// End returns what was found, when all files have been looked at.
func (e *Examination) End() Report {
	for _, c := range e.unmatched {
		e.problem(c.Seq, "Line %d was signed on %s, and is not there: the end was cut off, or lines were removed.", c.Seq,
			c.Time.Format("2006-01-02 15:04"))
	}
	for seq, witnesses := range e.witnesses {
		if seq < e.first.Seq {
			continue // in a file that is kept elsewhere
		}
		e.problem(seq, "Line %d, which %s names, is not there: the end was cut off, or lines were removed%s", seq,
			witnesses[0].Where, witnesses[0].doubt())
	}
	if e.verifier != nil && e.last.Seq > e.signed+Interval+MaxBatch {
		e.problem(e.last.Seq, "There is no checkpoint after that of line %d: some were removed.", e.signed)
	}
	return Report{
		First: e.first, Last: e.last, Lines: e.lines, Checkpoints: e.checkpoints, Witnesses: e.confirmed,
		Recovered: e.recovered, Problems: e.problems, Total: e.total,
	}
}
