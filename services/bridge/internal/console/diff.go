package console

import (
	"slices"
	"strings"
)

// diffLine is a line of a unified diff: added, taken, a hunk's head, or nothing of these.
type diffLine struct{ Class, Text string }

// diffPair are two lines beside each other: before and after.
type diffPair struct{ Before, After diffLine }

// fileDiff is what differs in a file.
type fileDiff struct {
	Name         string
	Added, Taken int
	Lines        []diffLine
}

// diffView is a diff, as it is shown.
type diffView struct {
	Files  []*fileDiff
	Side   bool // before and after stand beside each other
	Hidden int  // files in which nothing that means something differs
	Cut    bool // the rest is not shown
}

// mostOpen is up to how many files of a diff are shown unfolded.
const mostOpen = 10

// Open reports whether files are shown unfolded.
func (d *diffView) Open() bool { return len(d.Files) <= mostOpen }

// Pairs returns the lines of a file, before beside after.
func (f *fileDiff) Pairs() []diffPair {
	var pairs []diffPair
	var taken, added []diffLine
	flush := func() {
		for i := range max(len(taken), len(added)) {
			var pair diffPair
			if i < len(taken) {
				pair.Before = taken[i]
			}
			if i < len(added) {
				pair.After = added[i]
			}
			pairs = append(pairs, pair)
		}
		taken, added = nil, nil
	}
	for _, line := range f.Lines {
		switch line.Class {
		case "taken":
			taken = append(taken, line)
		case "added":
			added = append(added, line)
		default:
			flush()
			pairs = append(pairs, diffPair{line, line})
		}
	}
	flush()
	return pairs
}

// diffOf returns a unified diff as it is shown: unified, or side by side; and with meaning without the files that mean
// the same.
func diffOf(text, view, meaning string, same []string) *diffView {
	d := &diffView{Side: view == "side"}
	d.read(text)
	if meaning != "" {
		d.hide(same)
	}
	return d
}

func (d *diffView) read(text string) {
	var file *fileDiff
	number := 0
	for one := range strings.Lines(text) {
		if number++; number > maxLines {
			d.Cut = true
			return
		}
		one = cut(strings.TrimRight(one, "\r\n"))
		if name, begins := strings.CutPrefix(one, "diff --git "); begins || file == nil {
			file = &fileDiff{Name: nameIn(name)}
			d.Files = append(d.Files, file)
			if begins {
				continue
			}
		}
		file.add(one)
	}
}

// nameIn returns the name of the file in the head of its diff, "a/NAME b/NAME".
func nameIn(head string) string {
	if _, after, found := strings.Cut(head, " b/"); found {
		return after
	}
	return head
}

func (f *fileDiff) add(line string) {
	class := ""
	switch {
	case len(f.Lines) == 0 && isHead(line):
		return // the summary says it
	case strings.HasPrefix(line, "@@"):
		class = "hunk"
	case strings.HasPrefix(line, "+"):
		class = "added"
		f.Added++
	case strings.HasPrefix(line, "-"):
		class = "taken"
		f.Taken++
	}
	f.Lines = append(f.Lines, diffLine{class, line})
}

// isHead reports whether a line before the first hunk of a file says nothing but which file it is.
func isHead(line string) bool {
	for _, begin := range []string{"index ", "--- ", "+++ ", "new file ", "deleted file ", "similarity ", "rename "} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// hide leaves files out.
func (d *diffView) hide(names []string) {
	shown := len(d.Files)
	d.Files = slices.DeleteFunc(d.Files, func(f *fileDiff) bool { return slices.Contains(names, f.Name) })
	d.Hidden = shown - len(d.Files)
}
