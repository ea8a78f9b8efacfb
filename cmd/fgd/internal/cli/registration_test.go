package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/testkit/gitserver"
)

// TestARegistrationKnowsTheManifest: what a registration leaves out comes from the manifest in the directory, another
// number or name is refused at once with what to do, and a host that is away is in no registration's way.
func TestARegistrationKnowsTheManifest(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document, "g/raw/a.yaml": document})
	url := host.URL("r.git")
	first, second := serve(t), serve(t)
	first.register(registration(35, "fabric one", url, "f", ""))
	first.register(registration(36, "fabric two", url, "g", ""))
	bare := func(directory, more string) string {
		return fmt.Sprintf(`{"repository_url":%q,"gitops_directory":%q%s}`, url, directory, more)
	}
	for what, body := range map[string]string{
		"a number": bare("f", `,"fabric_id":7`), "a name": bare("f", `,"name":"x"`),
		"both": registration(7, "x", url, "f", ""), "the other's number": registration(36, "fabric one", url, "f", ""),
	} {
		status, answer := second.call(t, http.MethodPost, "/api/v1/fabrics", body, "")
		for _, said := range []string{`"FGD_2011"`, `fabric 35, \"fabric one\"`, "take_over", "Leave the number"} {
			if status != http.StatusConflict || !strings.Contains(answer, said) {
				t.Errorf("%s: %d %s, which lacks %s", what, status, answer, said)
			}
		}
	}
	if status, answer := second.call(t, http.MethodGet, "/api/v1/fabrics", "", ""); status != http.StatusOK ||
		!strings.Contains(answer, `"total":0`) {
		t.Errorf("a refused fabric is there: %s", answer)
	}
	settled := host.Commits(t, "r.git", "main")
	second.register(bare("f", ""))
	var one struct {
		Name string
	}
	_, answer := second.call(t, http.MethodGet, "/api/v1/fabrics/35", "", "")
	if err := json.Unmarshal([]byte(answer), &one); err != nil || one.Name != "fabric one" ||
		host.Commits(t, "r.git", "main") != settled {
		t.Errorf("registered as the manifest says: %s, %v", answer, err)
	}
	second.refused(bare("nothing-there", ""), "FGD_1010")
	second.takesTheNumber(url)
	const away = "http://127.0.0.1:1/r.git"
	if s := second.post("/api/v1/fabrics", registration(50, "away", away, "f", "")); s.State != "failed" ||
		s.failedWith("FGD_2011") {
		t.Errorf("a host that is away: %v", s)
	}
}

// takesTheNumber registers a directory whose manifest names a number that another fabric has.
func (s served) takesTheNumber(url string) {
	s.t.Helper()
	s.register(registration(36, "here", url, "h", ""))
	body := fmt.Sprintf(`{"repository_url":%q,"gitops_directory":"g"}`, url)
	status, answer := s.call(s.t, http.MethodPost, "/api/v1/fabrics", body, "")
	if status != http.StatusConflict || !strings.Contains(answer, "FGD_3008") || !strings.Contains(answer, "manifest") ||
		!strings.Contains(answer, `\"here\"`) {
		s.t.Errorf("a number that is taken: %d %s", status, answer)
	}
}
