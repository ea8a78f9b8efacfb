package hnp

import "time"

// Action is what was done to a record.
type Action string

// What can be done to a record.
const (
	RecordCreated Action = "created"
	RecordUpdated Action = "updated"
	RecordDeleted Action = "deleted"
)

// Change is what somebody did to a record, as NetBox tells it.
type Change struct {
	ID       string   `json:"id"` // of its source: log:NUMBER, or feed:PLACE
	Kind     string   `json:"kind"`
	RecordID int64    `json:"record_id"`
	Action   Action   `json:"action"`
	Identity Identity `json:"identity"` // as it is now; of a deleted record as it was
	// Was is which record it was before it was moved or renamed; nil where it was the same, or is not known.
	Was       *Identity `json:"was,omitempty"`
	User      string    `json:"user,omitempty"` // empty where nobody's request did it
	Email     string    `json:"email,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Branch    string    `json:"branch,omitempty"` // of NetBox, where it was not done in its main data
	Message   string    `json:"message,omitempty"`
	Time      time.Time `json:"time"`
	Before    *Content  `json:"before,omitempty"` // nil where it is not known, or there was none
	After     *Content  `json:"after,omitempty"`  // nil of a deleted record
	// Superseded is for a change that took effect late: a later one of the record has been told already.
	Superseded bool `json:"superseded,omitempty"`
	// Bare is for a change whose contents were too large to be kept, or are none that a file can have: who needs them
	// reads the record.
	Bare bool `json:"bare,omitempty"`
	// Entry is which entry of what was kept about a fabric it is; empty before it is kept.
	Entry string `json:"-"`
}
