package errs

// A Code is one entry of the error catalogue: its stable identifier and name, the one kind of its errors, and what to
// do about it when the place that raises it knows nothing better. Codes are never reused for another meaning.
type Code struct {
	ID     string
	Kind   Kind
	Name   string
	Remedy string
}
