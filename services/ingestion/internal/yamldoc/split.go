package yamldoc

import "bytes"

// Document is one document of a YAML stream, cut out but not yet parsed.
type Document struct {
	Number int    // position in the stream, from 0; empty documents count
	Bytes  []byte // the document as it stands in the file, bare separators left out
	Line   int    // line of the file on which Bytes begins, from 1
}

// Split cuts a stream into its documents by YAML's own rule: a line that begins with the marker "---" starts a
// document and one that begins with "..." ends it, whatever scalar they stand in. Nothing is parsed, so one broken
// document never hides the others. Comments before the first marker belong to the document that follows. Comments
// between two markers are an empty document: it counts, and its text goes to the next document, or to the one before
// when it is the last. Streams of nothing but comments have no document.
func Split(data []byte) []Document {
	s := splitter{data: data, line: 1}
	s.open(0, 1, false)
	for pos := 0; pos < len(data); {
		end, next := lineEnd(data, pos)
		s.take(pos, end, next)
		pos = next
		s.line++
	}
	s.close(len(data))
	return s.finish()
}

// piece is a part of the stream between two document borders.
type piece struct {
	begin, end int
	line       int
	marked     bool // begun by "---"
	content    bool // more than comments and blank lines
	comments   bool
	directives bool
}

type splitter struct {
	data   []byte
	line   int
	cur    piece
	pieces []piece
}

func (s *splitter) open(begin, line int, marked bool) {
	s.cur = piece{begin: begin, line: line, marked: marked}
}

func (s *splitter) close(end int) {
	s.cur.end = max(end, s.cur.begin)
	s.pieces = append(s.pieces, s.cur)
}

func (s *splitter) take(pos, end, next int) {
	text := s.data[skipBOM(s.data, pos):end]
	switch {
	case isMarker(text, "---"):
		s.start(pos, next, text[3:])
	case isMarker(text, "..."):
		s.stop(pos, next, text[3:])
	default:
		s.body(text)
	}
}

// start handles a line that begins with "---".
func (s *splitter) start(pos, next int, rest []byte) {
	begin, line := pos, s.line
	if isBlank(rest) {
		begin, line = next, s.line+1
	}
	switch {
	case s.cur.marked || s.cur.content:
		s.close(pos)
		s.open(begin, line, true)
	case s.cur.comments || s.cur.directives:
		s.cur.marked = true // the prefix and its marker stay with the document
	default:
		s.open(begin, line, true)
	}
	s.body(rest)
}

// stop handles a line that begins with "...": what stands behind the marker stays with the document that it ends.
func (s *splitter) stop(pos, next int, rest []byte) {
	if isBlank(rest) {
		s.close(pos)
	} else {
		s.body(rest)
		s.close(next)
	}
	s.open(next, s.line+1, false)
}

func (s *splitter) body(text []byte) {
	text = bytes.TrimLeft(text, " \t")
	prefix := !s.cur.marked && !s.cur.content
	switch {
	case isBlank(text):
	case text[0] == '#':
		s.cur.comments = true
	case prefix && text[0] == '%':
		s.cur.directives = true
	default:
		s.cur.content = true
	}
}

// finish numbers the pieces and moves the comments of empty ones to their neighbours.
func (s *splitter) finish() []Document {
	var docs []Document
	var pending []byte
	number := 0
	for _, p := range s.pieces {
		text := s.data[p.begin:p.end]
		switch {
		case p.content || p.directives:
			doc := Document{Number: number, Bytes: text, Line: p.line}
			if len(pending) > 0 {
				doc.Line -= countLines(pending)
				doc.Bytes = join(pending, text)
				pending = nil
			}
			docs = append(docs, doc)
		case p.comments:
			pending = join(pending, text)
		}
		if p.content || p.directives || p.marked {
			number++
		}
	}
	if len(pending) > 0 && len(docs) > 0 {
		last := &docs[len(docs)-1]
		last.Bytes = join(last.Bytes, pending)
	}
	return docs
}

// join concatenates two texts with a line break between them, in fresh memory.
func join(a, b []byte) []byte {
	out := make([]byte, 0, len(a)+len(b)+1)
	out = append(out, a...)
	if len(a) > 0 && a[len(a)-1] != '\n' && a[len(a)-1] != '\r' {
		out = append(out, '\n')
	}
	return append(out, b...)
}

func countLines(text []byte) int {
	n := 0
	for pos := 0; pos < len(text); n++ {
		_, pos = lineEnd(text, pos)
	}
	return n
}

// isMarker reports whether a line is a document marker: the three characters, then nothing or white space.
func isMarker(line []byte, marker string) bool {
	if len(line) < 3 || string(line[:3]) != marker {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t'
}

func isBlank(text []byte) bool { return len(bytes.Trim(text, " \t")) == 0 }

// lineEnd finds the end of the line at pos, without and with its break: LF, CR LF or CR.
func lineEnd(data []byte, pos int) (end, next int) {
	i := bytes.IndexAny(data[pos:], "\r\n")
	if i < 0 {
		return len(data), len(data)
	}
	end = pos + i
	if data[end] == '\r' && end+1 < len(data) && data[end+1] == '\n' {
		return end, end + 2
	}
	return end, end + 1
}

var bom = []byte("\xef\xbb\xbf")

// skipBOM steps over a byte order mark.
func skipBOM(data []byte, pos int) int {
	if bytes.HasPrefix(data[pos:], bom) {
		return pos + len(bom)
	}
	return pos
}
