// Package doctor measures an existing repository: what its history is made of, and what its directory holds. It only
// reads.
package doctor

import "time"

// Report is what was found.
type Report struct {
	Repository string    `json:"repository"`
	Branch     string    `json:"branch"`
	Directory  string    `json:"directory"`
	Commit     string    `json:"commit"`
	CommitTime time.Time `json:"commit_time"`
	History    History   `json:"history"`
	Head       Head      `json:"head"`
	Sync       Sync      `json:"sync"`
	Findings   []Finding `json:"findings"`
}

// History is about the commits that changed the directory.
type History struct {
	Commits   int       `json:"commits"`
	Truncated bool      `json:"truncated"` // it goes on, and was not followed
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// commits that changed times, and nothing else that means something
	TimesOnly              int      `json:"times_only"`
	TextOnly               int      `json:"text_only"` // commits that changed comments or layout only
	FamiliesTotal          int      `json:"families_total"`
	Families               []Family `json:"families"` // the largest ones
	Rewrites               int      `json:"rewrites"` // of YAML files
	RewritesWithoutMeaning int      `json:"rewrites_without_meaning"`
	RewrittenTotal         int      `json:"rewritten_total"`
	// files that were rewritten without a change of meaning most often
	Rewritten []Rewritten `json:"rewritten"`
}

// Family is commits whose subjects differ only in numbers, ids and times.
type Family struct {
	Subject        string `json:"subject"`
	Commits        int    `json:"commits"`
	WithoutMeaning int    `json:"without_meaning"`
	Example        string `json:"example"` // the newest
}

// Rewritten is a file that was rewritten.
type Rewritten struct {
	Path           string `json:"path"`
	Rewrites       int    `json:"rewrites"`
	WithoutMeaning int    `json:"without_meaning"`
}

// Head is about the files at the head of the branch that a sync would read.
type Head struct {
	Files        int         `json:"files"`
	Documents    int         `json:"documents"`
	Duplicates   []Duplicate `json:"duplicates"`
	Mixed        []Mixed     `json:"mixed_versions"`
	InvalidFiles int         `json:"invalid_files"` // a sync would not ingest all of them
	WarnedFiles  int         `json:"warned_files"`  // it would, and has something to say
	Codes        []Code      `json:"codes"`
	Quarantined  int         `json:"quarantined"` // files in unmanaged/, which a sync would not read
}

// Duplicate is a resource that more than one document describes.
type Duplicate struct {
	Group     string   `json:"group"`
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Files     []string `json:"files"` // one for each document
}

// Mixed is a kind whose documents have different API versions.
type Mixed struct {
	Group    string         `json:"group"`
	Kind     string         `json:"kind"`
	Versions map[string]int `json:"versions"` // documents of each
}

// Code is findings of one code.
type Code struct {
	Code    string `json:"code"`
	Files   int    `json:"files"`
	Example string `json:"example"`
}

// Sync is what a sync would do now.
type Sync struct {
	State        string   `json:"state"`
	Creates      int      `json:"creates"`
	Updates      int      `json:"updates"`
	Moves        int      `json:"moves"`
	Quarantines  int      `json:"quarantines"`
	Deletes      int      `json:"deletes"`
	Duplicates   int      `json:"duplicates"`
	FilesCreated int      `json:"files_created"`
	FilesUpdated int      `json:"files_updated"`
	FilesRemoved int      `json:"files_removed"`
	Resources    int      `json:"resources_total"`
	Errors       []string `json:"errors"`
}

// Finding is something to know, what it means, and what FGD Sync does about it.
type Finding struct {
	What   string `json:"what"`
	Means  string `json:"means"`
	Answer string `json:"answer"`
}
