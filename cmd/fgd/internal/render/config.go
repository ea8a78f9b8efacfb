package render

import (
	"strings"

	"fgdsync.dev/cmd/fgd/internal/settings"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/printable"
)

// Checked prints what is wrong with a configuration, a line each, and how much it is.
func Checked(s *Screen, report *settings.Report) {
	if len(report.Findings) == 0 {
		s.line(s.good, "", "The configuration is as it should be.")
		return
	}
	for _, f := range report.Findings {
		where := ""
		switch {
		case f.Origin.File != "" && f.Origin.Line == 0:
			where = f.Origin.File + ": "
		case f.Origin != (config.Origin{}):
			where = f.Origin.String() + ": "
		}
		s.line(s.bad, where, f.Code+" "+f.Message+" ("+f.Remedy+")")
	}
}

// Settings prints what keys are, and where that is said.
func Settings(s *Screen, values []config.Value) {
	t := newTable(s)
	t.cells("KEY", "VALUE", "FROM")
	for _, v := range values {
		value := printable.Line(v.Value)
		if value == "" {
			value = `""`
		}
		t.cells(v.Key, value, printable.Line(v.From))
	}
	t.end()
}

// Explained prints what a key is for.
func Explained(s *Screen, k config.Key) {
	f := s.facts()
	f.add("key", "%s", k.Name)
	f.add("what", "%s", k.About)
	f.add("type", "%s", strings.TrimSpace(k.Type+unit(k.Unit)))
	f.add("default", "%s", orEmpty(k.Default))
	if k.Allowed != "" {
		f.add("allowed", "%s", k.Allowed)
	}
	f.add("variable", "%s", k.Variable)
	f.add("read by", "%s", strings.Join(k.Services, ", "))
	f.add("reload", "%s", reloaded(k.Reload))
	f.end()
}

func unit(of string) string {
	if of == "" {
		return ""
	}
	return ", " + of
}

func orEmpty(text string) string {
	if text == "" {
		return "empty"
	}
	return text
}

func reloaded(is bool) string {
	if is {
		return "a change counts at a reload (SIGHUP)"
	}
	return "a change needs a restart"
}
