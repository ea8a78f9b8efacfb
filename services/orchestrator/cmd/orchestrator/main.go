// Command orchestrator runs the orchestrator on its own.
package main

import (
	"os"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/services/orchestrator"
)

func main() { os.Exit(app.Main(orchestrator.Definition(), os.Args[1:], os.Environ(), os.Stderr)) }
