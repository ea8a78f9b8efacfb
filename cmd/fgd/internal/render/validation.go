package render

import (
	"strings"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// Validation is what was found in files, as one JSON document.
type Validation struct {
	Files []ValidatedFile `json:"files"`

	byPath map[string]int
}

// ValidatedFile is what was found in one file.
type ValidatedFile struct {
	Path      string             `json:"path"`
	Documents int32              `json:"documents"`
	Findings  []ValidatedFinding `json:"findings"`
}

// ValidatedFinding is one thing that was found, in the words of the API.
type ValidatedFinding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Message  string `json:"message"`
	File     string `json:"file"`
	Document *int32 `json:"document,omitempty"`
	Line     int32  `json:"line"`
	Column   int32  `json:"column"`
	Field    string `json:"field"`
	Remedy   string `json:"remedy"`
}

// NewValidation returns one without files.
func NewValidation() *Validation {
	return &Validation{Files: []ValidatedFile{}, byPath: map[string]int{}}
}

// Add adds what was found in a file, which may be nothing, or more of one that was added before.
func (v *Validation) Add(file *ingestionv1.ValidateFilesResponse) {
	out := v.file(file.GetPath())
	out.Documents += file.GetDocuments()
	for _, f := range file.GetFindings() {
		out.Findings = append(out.Findings, ValidatedFinding{
			Severity: word(f.GetSeverity().String(), "SEVERITY"), Code: f.GetCode(), Name: f.GetName(),
			Kind: word(f.GetKind().String(), "KIND"), Message: f.GetMessage(), File: f.GetFile(), Document: f.Document,
			Line: f.GetLine(), Column: f.GetColumn(), Field: f.GetField(), Remedy: f.GetRemedy(),
		})
	}
}

// file returns the entry of a file, which is made where there is none.
func (v *Validation) file(path string) *ValidatedFile {
	i, known := v.byPath[path]
	if !known {
		i = len(v.Files)
		v.byPath[path] = i
		v.Files = append(v.Files, ValidatedFile{Path: path, Findings: []ValidatedFinding{}})
	}
	return &v.Files[i]
}

// word returns the name of the value of an enum as the API has it: in lower case, without the name of the enum.
func word(name, enum string) string { return strings.ToLower(strings.TrimPrefix(name, enum+"_")) }
