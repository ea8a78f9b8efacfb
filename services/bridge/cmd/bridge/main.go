// Command bridge runs the bridge service on its own.
package main

import (
	"os"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/services/bridge"
)

func main() { os.Exit(app.Main(bridge.Definition(), os.Args[1:], os.Environ(), os.Stderr)) }
