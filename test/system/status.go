package system

import (
	"encoding/json"
	"testing"
	"time"
)

// Status is the status of a sync, as the JSON API and fgd sync -o json give it.
type Status struct {
	SyncID      string    `json:"sync_id"`
	FabricID    int       `json:"fabric_id"`
	State       string    `json:"state"`
	Trigger     string    `json:"trigger"`
	AcceptedAt  time.Time `json:"accepted_at"`
	CompletedAt time.Time `json:"completed_at"`
	Transitions []struct {
		To   string    `json:"to"`
		Time time.Time `json:"time"`
	} `json:"transitions"`
	Errors   []Finding `json:"errors"`
	Warnings []Finding `json:"warnings"`
	Result   struct {
		CommitSHA        string `json:"commit_sha"`
		FilesCreated     int    `json:"files_created"`
		FilesUpdated     int    `json:"files_updated"`
		FilesRemoved     int    `json:"files_removed"`
		FilesQuarantined int    `json:"files_quarantined"`
		ResourcesTotal   int    `json:"resources_total"`
		Diff             string `json:"diff"` // it and the plan are in what fgd sync says, and not in a status
		Plan             Plan   `json:"plan"`
		Counts           Counts `json:"counts"`
	} `json:"result"`
}

// Counts is how much a sync does to resources and files.
type Counts struct{ Creates, Updates, Moves, Quarantines, Deletes, Duplicates, Releases int }

// Plan is what a sync does to resources and files.
type Plan struct {
	Counts

	Actions []struct{ Action, Kind, Name, From, To string }
	Orphans []struct {
		Kind, Name, Field string
		MissingKind       string `json:"missing_kind"`
		MissingName       string `json:"missing_name"`
	}
}

// Finding is an error or a warning.
type Finding struct {
	Code, Name, Message, Remedy, File string
	Line, Column                      int
}

// Problem is the body of an error.
type Problem struct {
	Error struct {
		Code, Name, Message, Remedy string
		CorrelationID               string `json:"correlation_id"`
	} `json:"error"`
}

// Accepted is the answer to the registration of a fabric and to a trigger.
type Accepted struct {
	Fabric struct {
		FabricID int `json:"fabric_id"`
	} `json:"fabric"`
	SyncID string `json:"sync_id"`
	Status string `json:"status"`
}

// Read reads JSON.
func Read[T any](t testing.TB, raw string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(raw), &value); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return value
}
