package errs

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed codes[1-5]_*.go
var catalogue embed.FS

// IDs returns the identifiers of all codes, in the order of the catalogue. They are read out of the catalogue itself,
// so that none can be left out.
func IDs() []string {
	files, err := catalogue.ReadDir(".")
	if err != nil {
		panic(err) // it is in the program
	}
	text := &strings.Builder{}
	for _, file := range files {
		source, err := catalogue.ReadFile(file.Name())
		if err != nil {
			panic(err)
		}
		text.Write(source)
	}
	return regexp.MustCompile(`\bFGD_\d{4}\b`).FindAllString(text.String(), -1)
}
