package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
)

func TestOf(t *testing.T) {
	t.Parallel()
	invalid, away := errs.New(errs.InvalidRequest, "No."), errs.New(errs.RedisConnectionFailed, "No.")
	for name, c := range map[string]struct {
		err    error
		code   int
		misuse bool
	}{
		"nothing":                     {nil, exit.OK, false},
		"findings":                    {fmt.Errorf("x: %w", exit.Code(exit.Findings)), exit.Findings, false},
		"a failure":                   {away, exit.Failed, false},
		"what a service refused":      {invalid, exit.Failed, false},
		"what the caller said":        {exit.MisuseIfInvalid(invalid), exit.Misused, true},
		"what the caller did not say": {exit.MisuseIfInvalid(away), exit.Failed, false},
		"a refused remote":            {exit.MisuseIfInvalid(errs.New(errs.RemoteRefused, "No.")), exit.Misused, true},
		"a configuration":             {errs.New(errs.ConfigurationInvalid, "No."), exit.Misused, false},
		"somebody who may not":        {errs.New(errs.NotAllowed, "No."), exit.Refused, false},
		"somebody who is not known":   {errs.New(errs.NotAuthenticated, "No."), exit.Refused, false},
		"a system that is away":       {errs.New(errs.ServiceUnavailable, "No."), exit.Away, false},
		"no patience":                 {errs.New(errs.WaitTimeout, "No."), exit.TimedOut, false},
		"a wrong call":                {exit.Misuse(errors.New("say --all")), exit.Misused, true},
	} {
		if got := exit.Of(c.err); got != c.code {
			t.Errorf("%s: %d, not %d", name, got, c.code)
		}
		if got := exit.IsMisuse(c.err); got != c.misuse {
			t.Errorf("%s: misuse %t", name, got)
		}
	}
	if !errors.Is(exit.Misuse(invalid), invalid) {
		t.Error("a marked error is another one")
	}
}
