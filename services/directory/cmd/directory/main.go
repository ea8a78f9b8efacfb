// Command directory runs the directory manager on its own.
package main

import (
	"os"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/services/directory"
)

func main() { os.Exit(app.Main(directory.Definition(), os.Args[1:], os.Environ(), os.Stderr)) }
