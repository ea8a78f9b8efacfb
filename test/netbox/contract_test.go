package netbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/testkit/netboxtest"
)

// update has the answers of the real NetBox recorded, which the emulator is held against.
var update = flag.Bool("update", false, "record what the real NetBox answers")

// step is a request, and which of the answers before it has the number that {id} of its path stands for: 1 is the
// first one of the case.
type step struct {
	method string
	path   string // below /api/plugins/hedgehog/; from the root when it begins with a slash
	body   any
	of     int
	header map[string]string // beside those that every request has, or in place of them
}

// said is an answer without what differs from one run to the next.
type said struct {
	Code int `json:"code"`
	Body any `json:"body"`
}

// contractCase is what somebody does on a NetBox where a fabric is, whose number {fabric} stands for.
type contractCase struct {
	name  string
	steps []step
}

// TestContract: the real NetBox answers each case as was recorded.
func TestContract(t *testing.T) {
	t.Parallel()
	n := start(t, asItIs())
	for _, c := range contract() {
		t.Run(c.name, func(t *testing.T) { held(t, c, (&netbox{n.NetBox, t}).played(c), *update) })
	}
}

// TestEmulator: the emulator answers each case as the real NetBox did.
func TestEmulator(t *testing.T) {
	t.Parallel()
	e := netboxtest.Start(t)
	n := &lab.NetBox{URL: e.URL, Token: netboxserver.Token}
	for _, c := range contract() {
		t.Run(c.name, func(t *testing.T) { held(t, c, (&netbox{n, t}).played(c), false) })
	}
}

// held compares answers with those that were recorded, or records them.
func held(t *testing.T, c contractCase, got []said, record bool) {
	t.Helper()
	path := filepath.Join("testdata", "contract", strings.ReplaceAll(c.name, " ", "-")+".json")
	raw, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if record {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, want) {
		t.Errorf("got %s\nrecorded was %s", raw, want)
	}
}

// played makes the requests of a case for a fabric of its own.
func (n *netbox) played(c contractCase) []said {
	n.t.Helper()
	fabric := n.fabric(c.name)
	var answers []said
	var ids []int
	for _, s := range c.steps {
		id := 0
		if s.of > 0 {
			id = ids[s.of-1]
		}
		body := placed(n.t, s.body, fabric, id)
		path := strings.NewReplacer("{id}", fmt.Sprint(id), "{fabric}", fmt.Sprint(fabric)).Replace(s.path)
		if !strings.HasPrefix(path, "/") {
			path = "/api/plugins/hedgehog/" + path
		}
		a := n.send(s.method, path, body, s.header)
		ids = append(ids, a.id())
		told := n.masked(a, fabric, ids)
		if s.method == http.MethodOptions {
			told = writable(told)
		}
		answers = append(answers, said{a.code, told})
	}
	return answers
}

// writable returns of what NetBox says of a list which fields can be written, and whether each has to be.
func writable(options any) any {
	object, _ := options.(map[string]any)
	actions, _ := object["actions"].(map[string]any)
	fields, _ := actions["POST"].(map[string]any)
	required := map[string]any{}
	for name, field := range fields {
		if field, _ := field.(map[string]any); field["read_only"] != true {
			required[name] = field["required"]
		}
	}
	return required
}

// placed puts numbers into a body.
func placed(t *testing.T, body any, fabric, id int) any {
	t.Helper()
	if _, is := body.(raw); is || body == nil {
		return body
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw(strings.NewReplacer(`"{fabric}"`, fmt.Sprint(fabric), `"{id}"`, fmt.Sprint(id)).Replace(string(text)))
}

// nobody is a number that no object has.
const nobody = 999999

// ownNumber is the number of an object within a text: in a sentence, or in an address.
var ownNumber = regexp.MustCompile(`(\bID |/)[0-9]{1,5}( |/)`)

var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$`)

// masked returns a body in which what one run has and the next one has not is a word: numbers of objects, times,
// addresses. Of an error of the server only its kind is kept.
func (n *netbox) masked(a answer, fabric int, ids []int) any {
	n.t.Helper()
	if a.code == http.StatusNoContent {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(a.raw), &body); err != nil {
		return "no JSON"
	}
	if a.code >= http.StatusInternalServerError {
		object, _ := body.(map[string]any)
		return map[string]any{"exception": object["exception"]}
	}
	names := map[float64]string{float64(fabric): "{fabric}"}
	for i, id := range ids {
		if id != 0 && id != fabric {
			names[float64(id)] = fmt.Sprintf("{id %d}", i+1)
		}
	}
	return mask(body, "", n.URL, names)
}

func mask(value any, key, base string, names map[float64]string) any {
	switch value := value.(type) {
	case map[string]any:
		for k, v := range value {
			value[k] = mask(v, k, base, names)
		}
	case []any:
		for i, v := range value {
			value[i] = mask(v, key, base, names)
		}
	case float64:
		if name, known := names[value]; known && (key == "id" || key == "fabric") {
			return name
		}
		if key == "id" && value < nobody {
			return "{id}"
		}
	case string:
		if timeForm.MatchString(value) {
			return "{time}"
		}
		if told, _, found := strings.Cut(value, "JSON parse error - "); found {
			return told + "JSON parse error" // the rest is Python's
		}
		return ownNumber.ReplaceAllString(strings.ReplaceAll(value, base, ""), "${1}{id}${2}")
	}
	return value
}
