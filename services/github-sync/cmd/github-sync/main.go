// Command github-sync runs github-sync on its own.
package main

import (
	"os"

	"fgdsync.dev/libs/app"
	githubsync "fgdsync.dev/services/github-sync"
)

func main() {
	os.Exit(app.Main(githubsync.Definition(), os.Args[1:], os.Environ(), os.Stderr))
}
