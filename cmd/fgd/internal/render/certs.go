package render

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"fgdsync.dev/cmd/fgd/internal/certs"
)

// Certificates prints what certificates there are, and for how long.
func Certificates(w io.Writer, all []certs.Certificate) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "FILE\tNAMES\tUNTIL\tDAYS")
	for _, one := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", one.File, strings.Join(one.Names, ", "),
			one.Until.UTC().Format(time.DateOnly), one.Days)
	}
	_ = table.Flush()
}
