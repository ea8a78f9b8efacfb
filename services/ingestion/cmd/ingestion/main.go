// Command ingestion runs the ingestion service on its own.
package main

import (
	"os"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/services/ingestion"
)

func main() { os.Exit(app.Main(ingestion.Definition(), os.Args[1:], os.Environ(), os.Stderr)) }
