package errs

import (
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// NewFinding returns a finding of a code, with the remedy of the code. Where it was found is for the caller to add.
func NewFinding(code Code, severity reportv1.Severity, format string, args ...any) *reportv1.Finding {
	return ToFinding(New(code, format, args...), severity)
}

// ToFinding returns the public face of an error as a finding of a report. Details and the time to try again are lost.
func ToFinding(err error, severity reportv1.Severity) *reportv1.Finding {
	e := public(err)
	return &reportv1.Finding{
		Severity: severity, Code: e.Code.ID, Name: e.Code.Name, Kind: reportv1.Kind(e.Code.Kind),
		Message: e.Message, Remedy: e.RemedyText(),
	}
}

// FromFinding returns the error that a finding is about.
func FromFinding(f *reportv1.Finding) *Error {
	code := Code{ID: f.GetCode(), Kind: Kind(f.GetKind()), Name: f.GetName(), Remedy: f.GetRemedy()}
	return New(code, "%s", f.GetMessage())
}
