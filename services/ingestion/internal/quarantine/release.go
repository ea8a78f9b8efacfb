package quarantine

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// Release puts files back to where they came from, and lists them in .fgdignore, so that no sync takes them again. It
// returns what was put back, .fgdignore as it is then, and why others were not.
func Release(s *stage.Tree, files []File, paths []string, ignoreFile []byte) (released []dirlog.Released,
	ignored []byte, refused []finding.Finding,
) {
	byPath := make(map[string]File, len(files))
	for _, file := range files {
		byPath[file.Path] = file
	}
	for _, p := range paths {
		file, there := byPath[p]
		if !there {
			refused = append(refused, Missing(p))
			continue
		}
		to := file.Origin()
		if layout.Part(to) == layout.Managed {
			refused = append(refused, refuse(p, fmt.Sprintf("it came from %s, and nothing in managed/ is left alone", to)))
			continue
		}
		if have, taken := s.Blob(to); taken && have != file.Blob || !taken && !s.Free(to) {
			refused = append(refused, refuse(p, fmt.Sprintf("it would go back to %s, where something else is", to)))
			continue
		}
		with, ok := ignoring(ignoreFile, to)
		if !ok {
			refused = append(refused, refuse(p, fmt.Sprintf("%s can't be written into %s", to, layout.Ignore)))
			continue
		}
		ignoreFile = with
		delete(byPath, p)
		s.Remove(p)
		s.PutEntry(to, file.Entry)
		released = append(released, dirlog.Released{From: p, To: to, Blob: file.Blob})
	}
	return released, ignoreFile, refused
}

// Missing says that a path is not in quarantine.
func Missing(p string) finding.Finding {
	return finding.Finding{
		Code: errs.NotInQuarantine, File: p, Document: -1,
		Message: "there is no such file in quarantine",
	}
}

func refuse(p, why string) finding.Finding {
	return finding.Finding{Code: errs.ReleaseRefused, File: p, Document: -1, Message: "the file stays in quarantine: " +
		why}
}

// ignoring adds a line for exactly one path to an ignore file, unless it is ignored already. It reports whether the
// path is ignored then.
func ignoring(ignoreFile []byte, p string) ([]byte, bool) {
	if isIgnored(ignoreFile, p) {
		return ignoreFile, true
	}
	if strings.ContainsFunc(p, unicode.IsControl) {
		return ignoreFile, false
	}
	ending := "\n"
	if bytes.Contains(ignoreFile, []byte("\r\n")) {
		ending = "\r\n"
	}
	out := bytes.Clone(ignoreFile)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, ending...)
	}
	out = append(append(out, escape(p)...), ending...)
	return out, isIgnored(out, p)
}

func isIgnored(ignoreFile []byte, p string) bool {
	rules, err := ignore.Parse(ignoreFile)
	if err != nil {
		return false
	}
	is, err := rules.Match(p)
	return is && err == nil
}

// escape writes a path as a pattern that matches nothing else (gitignore(5)).
func escape(p string) string {
	var b strings.Builder
	b.WriteByte('/')
	for i, r := range p {
		if strings.ContainsRune(`\*?[`, r) || r == ' ' && i == len(p)-1 {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
