package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// coverage is what measures how much of the plugin its tests run.
const coverage = "coverage==7.17.5"

// TestPlugin runs tests of this project's plugin that are written in Python, over a copy of the template, and returns
// what they say and how much of the plugin they ran. Labels are those of Django's test command.
func (l *Lab) TestPlugin(ctx context.Context, labels ...string) (said string, err error) {
	measure, err := l.tool(ctx, coverage)
	if err != nil {
		return "", err
	}
	// Django puts a test_ before the name of the database that it is configured with.
	name := fmt.Sprint("netbox_", count.Add(1))
	n := &NetBox{lab: l, name: "test_" + name, folder: filepath.Join(l.folder, name), plugins: []string{standIn, own}}
	defer func() { err = errors.Join(err, n.Stop()) }()
	if err := l.pg.clone(ctx, n.name); err != nil {
		return "", err
	}
	if err := n.configure(ctx, name); err != nil {
		return "", err
	}
	n.env = append(n.env, "PYTHONPATH="+l.pluginFolder()+string(os.PathListSeparator)+measure,
		"COVERAGE_FILE="+filepath.Join(n.folder, "coverage"), "COVERAGE_CORE=sysmon") // the other core takes twice as long
	tested, err := l.python3(ctx, n, append([]string{
		"-m", "coverage", "run", "--source", own, "--omit", "*/tests/*,*/migrations/*", l.program("netbox"),
		"test", "--keepdb", "--no-input", "--timing",
	}, labels...)...)
	if err != nil {
		return tested, err
	}
	report, err := l.python3(ctx, n, "-m", "coverage", "report", "--show-missing")
	return tested + report, err
}

// python3 runs Python to its end, as a NetBox would, and returns all that it says.
func (l *Lab) python3(ctx context.Context, n *NetBox, args ...string) (string, error) {
	command := exec.CommandContext(ctx, l.python, args...)
	command.Env = append(os.Environ(), n.env...)
	command.Dir = l.pluginFolder()
	out, err := command.CombinedOutput()
	return string(out), err
}
