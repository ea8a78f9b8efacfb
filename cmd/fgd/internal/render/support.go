package render

import "fmt"

// Bundle is an archive for a person who helps.
type Bundle struct {
	File  string       `json:"file"` // the archive
	Parts []BundlePart `json:"parts"`
}

// BundlePart is a file of it.
type BundlePart struct {
	File    string `json:"file"`
	About   string `json:"about"`             // what it is, for people
	Bytes   int    `json:"bytes"`             // 0 of one that is missing
	Missing string `json:"missing,omitempty"` // why it is not there
}

// SupportBundle prints what an archive holds, what it does not, and what to do before it is sent.
func SupportBundle(s *Screen, b Bundle) {
	f := s.facts()
	for _, part := range b.Parts {
		if part.Missing == "" {
			f.add(part.File, "%s, %s", part.About, size(part.Bytes))
		}
	}
	for _, part := range b.Parts {
		if part.Missing != "" {
			f.styled(s.warn, part.File, "not there: %s", part.Missing)
		}
	}
	f.end()
	s.printf("\n")
	s.line(s.good, "written  ", b.File)
	s.line(s.strong, "next     ",
		"Look at it before you send it: tar -xOzf "+b.File+" | less. What nobody can know to be a "+
			"secret may be in it.")
}

func size(bytes int) string {
	const kibi = 1024
	if bytes < kibi {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d KiB", (bytes+kibi-1)/kibi)
}
