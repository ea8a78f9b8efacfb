package errs

import (
	_ "embed"
	"regexp"
)

//go:embed codes.go
var catalogue string

// IDs returns the identifiers of all codes, in the order of the catalogue. They are read out of the catalogue itself,
// so that none can be left out.
func IDs() []string { return regexp.MustCompile(`\bFGD_\d{4}\b`).FindAllString(catalogue, -1) }
