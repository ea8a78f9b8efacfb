package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// What the help of fgd has its commands under, in this order.
const (
	ofDirectories = "Work on a fabric directory, in a repository or of a running system:"
	ofFabrics     = "Look after the fabrics of a running system:"
	ofSystems     = "Run a system, and look after it:"
	ofClient      = "Set this program up:"
)

// sortIntoGroups has the help of a root say what its commands are about.
func sortIntoGroups(root *cobra.Command) {
	for _, of := range []struct{ title, commands string }{
		{ofDirectories, "sync check validate doctor quarantine history diff restore demo"},
		{ofFabrics, "fabric resource conflicts netbox wait"},
		{ofSystems, "up config migrate top health event notification support-bundle state dead-letters audit token certs credentials"},
		{ofClient, "context login logout man version"},
	} {
		root.AddGroup(&cobra.Group{ID: of.title, Title: of.title})
		names := strings.Fields(of.commands)
		for _, cmd := range root.Commands() {
			if slices.Contains(names, cmd.Name()) {
				cmd.GroupID = of.title
			}
		}
	}
	root.SetHelpCommandGroupID(ofClient)
	root.SetCompletionCommandGroupID(ofClient)
}
