package cli

import (
	"context"
	"errors"
	"os/exec"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
)

// paged prints what may be long: on a terminal through the pager that PAGER names, or less where it names none.
// Elsewhere, on a dumb terminal, and where PAGER is empty or can't be started, it is printed as all else is.
func (e Environment) paged(ctx context.Context, show func(*render.Screen)) {
	screen, pager := e.results(), e.pager(context.WithoutCancel(ctx)) // Ctrl-C is for the pager, which it does not end
	if !screen.Terminal() || pager == nil {
		show(screen)
		return
	}
	in, err := pager.StdinPipe()
	if err == nil {
		err = pager.Start()
	}
	if err != nil {
		show(screen)
		return
	}
	show(screen.Through(in))
	_ = in.Close()
	err = pager.Wait() // it may have been left before the end
	var ended *exec.ExitError
	if errors.As(err, &ended) && (ended.ExitCode() == notRunnable || ended.ExitCode() == notThere) {
		show(screen)
	}
}

// What a shell ends with where it can't run a command, or finds none.
const notRunnable, notThere = 126, 127

// pager returns the pager that the environment asks for; nil for none.
func (e Environment) pager(ctx context.Context) *exec.Cmd {
	lookup := app.Lookup(e.Environ)
	kind, _ := lookup("TERM")
	command, named := lookup("PAGER")
	if kind == "" || kind == "dumb" || named && command == "" {
		return nil
	}
	if !named {
		path, err := exec.LookPath("less")
		if err != nil {
			return nil
		}
		command = path
	}
	pager := exec.CommandContext(ctx, "sh", "-c", command)
	pager.Env = e.Environ
	if _, set := lookup("LESS"); !set { // as git does: end where all fits, keep colours, leave the text on the screen
		pager.Env = append(pager.Env, "LESS=FRX")
	}
	pager.Stdout, pager.Stderr = e.Stdout, e.Stderr
	return pager
}
