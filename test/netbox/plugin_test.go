package netbox

import (
	"flag"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pluginTests are some of the tests of the plugin, as Django's test command names them below netbox_fgd_sync.
var pluginTests = flag.String("plugin-tests", "", "tests of the plugin, such as tests.test_api; all by default")

// leastCovered is how much of the plugin its tests have to run, in percent.
const leastCovered = 90

// TestPlugin runs the tests that the plugin has in Python.
func TestPlugin(t *testing.T) {
	t.Parallel()
	needLab(t)
	var labels []string
	for label := range strings.FieldsSeq(*pluginTests) {
		labels = append(labels, "netbox_fgd_sync."+label)
	}
	some := len(labels) > 0
	if !some {
		labels = []string{"netbox_fgd_sync"}
	}
	said, err := shared.TestPlugin(t.Context(), labels...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Log("\n" + said)
	if covered := covered(said); !some && covered < leastCovered {
		t.Errorf("the tests run %d %% of the plugin, not %d %%", covered, leastCovered)
	}
}

var total = regexp.MustCompile(`(?m)^TOTAL .* (\d+)%$`)

// covered reads the percentage in a report.
func covered(report string) int {
	found := total.FindStringSubmatch(report)
	if found == nil {
		return 0
	}
	percent, _ := strconv.Atoi(found[1]) // the pattern is of digits
	return percent
}
