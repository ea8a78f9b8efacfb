package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoPython says that there is no Python that NetBox runs on.
var ErrNoPython = errors.New("NetBox needs Python 3.12 or newer, and there is none on PATH and none of pyenv")

// suits are the versions of Python that this NetBox runs on, the best first.
func suits() []string { return []string{"3.13", "3.12", "3.14"} }

// findPython looks for a Python on PATH, then among those of pyenv, by asking each what it is.
func findPython(ctx context.Context) (string, error) {
	var candidates []string
	for _, version := range suits() {
		candidates = append(candidates, "python"+version)
		if root, err := exec.CommandContext(ctx, "pyenv", "root").Output(); err == nil {
			pattern := filepath.Join(strings.TrimSpace(string(root)), "versions", version+".*", "bin", "python"+version)
			found, _ := filepath.Glob(pattern) // the pattern is well formed
			candidates = append(candidates, found...)
		}
	}
	for _, candidate := range candidates {
		// A shim of pyenv is on PATH also where its version is not chosen.
		path, err := exec.CommandContext(ctx, candidate, "-c", "import sys, venv; print(sys.executable)").Output()
		if err == nil {
			return strings.TrimSpace(string(path)), nil
		}
	}
	return "", ErrNoPython
}

// environment makes a virtual environment with NetBox, unless there is one of these requirements.
func (l *Lab) environment(ctx context.Context, kept string) error {
	base, err := findPython(ctx)
	if err != nil {
		return err
	}
	folder := filepath.Join(kept, "python-"+digest(base, requirements))
	l.python = filepath.Join(folder, "bin", "python")
	if _, err := os.Stat(filepath.Join(folder, "complete")); err == nil {
		return nil
	}
	l.tell("installing NetBox %s on %s", l.Version, base)
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(kept, 0o755); err != nil { //nolint:gosec // of programs, which anybody may run
		return err
	}
	if err := run(ctx, nil, base, "-m", "venv", folder); err != nil {
		return err
	}
	list := filepath.Join(folder, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirements), 0o600); err != nil {
		return err
	}
	err = run(ctx, nil, l.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
		"--no-deps", "-r", list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "complete"), nil, 0o600)
}

// tool returns the folder with a package that is no part of a NetBox. It is installed beside the virtual environment:
// what is in that decides whether databases are made anew.
func (l *Lab) tool(ctx context.Context, requirement string) (string, error) {
	name, _, _ := strings.Cut(requirement, "==")
	folder := filepath.Join(l.kept, name+"-"+digest(l.python, requirement))
	if exists(folder) {
		return folder, nil
	}
	partial, err := os.MkdirTemp(l.kept, name+"-")
	if err != nil {
		return "", err
	}
	err = run(ctx, nil, l.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
		"--no-deps", "--target", partial, requirement)
	if err == nil {
		err = os.Rename(partial, folder)
	}
	if exists(folder) { // this one, or that of another lab
		err = nil
	}
	return folder, errors.Join(err, os.RemoveAll(partial))
}

// run runs a program to its end. Its error has the end of what it wrote.
func run(ctx context.Context, env []string, program string, args ...string) error {
	const shown = 4096
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out[max(0, len(out)-shown):])
	}
	return nil
}
