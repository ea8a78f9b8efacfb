// Package netbox tries the system on the real NetBox, with a stand-in for the Hedgehog NetBox Plugin. `make test-netbox`
// runs it.
package netbox

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"fgdsync.dev/test/netbox/lab"
)

// kept is the folder of what the lab makes once.
var kept = flag.String("netbox", "", "the folder of a lab, without which there is nothing to test")

// long says that the tests run, too, that CI has no time for.
var long = flag.Bool("long", false, "run the tests, too, that are left out to save minutes")

// shared is the lab of all tests; nil where there is none.
var shared *lab.Lab //nolint:gochecknoglobals // TestMain makes it

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	defer func() { _ = os.RemoveAll(built) }()
	if *kept == "" {
		return m.Run()
	}
	l, err := lab.Open(context.Background(), *kept, func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
	if err != nil {
		fmt.Println(err)
		return 1
	}
	shared = l
	code := m.Run()
	if err := l.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}

// netbox is a NetBox of one test.
type netbox struct {
	*lab.NetBox
	t *testing.T
}

// needLab leaves a test out where there is no lab.
func needLab(t *testing.T) {
	t.Helper()
	if shared == nil {
		t.Skip("make test-netbox makes a lab and runs this")
	}
}

// takesLong leaves a test out to save minutes: whoever changes what it is about runs it.
func takesLong(t *testing.T) {
	t.Helper()
	if shared != nil && !*long {
		t.Skip("make test-netbox LONG=1 runs it")
	}
}

// start returns a NetBox that runs, and that nobody else uses as long as a test goes on.
func start(t *testing.T, options ...lab.Option) *netbox {
	t.Helper()
	needLab(t)
	n, err := shared.Start(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Release(); err != nil {
			t.Error(err)
		}
	})
	return &netbox{n, t}
}

// answer is what NetBox says.
type answer struct {
	code   int
	raw    string
	fields map[string]any
	header http.Header
}

// id is the number of the object of an answer.
func (a answer) id() int {
	id, _ := a.fields["id"].(float64)
	return int(id)
}

const answerTimeout = time.Minute

// call asks the API of the plugin, at a path below /api/plugins/hedgehog/.
func (n *netbox) call(method, path string, body any) answer {
	n.t.Helper()
	return n.ask(method, "/api/plugins/hedgehog/"+path, body)
}

func (n *netbox) ask(method, path string, body any) answer {
	n.t.Helper()
	return n.send(method, path, body, nil)
}

// raw is a body that is sent as it is.
type raw string

// send makes a request with more headers, or others. It follows no redirect.
func (n *netbox) send(method, path string, body any, header map[string]string) answer {
	n.t.Helper()
	var content []byte
	if as, is := body.(raw); is {
		content = []byte(as)
	} else if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			n.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, n.URL+path, bytes.NewReader(content))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Authorization", n.Token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	a := answer{code: response.StatusCode, raw: string(text), header: response.Header}
	_ = json.Unmarshal(text, &a.fields) // an error page is no JSON
	return a
}

// must makes a call that has to be answered with a status code.
func (n *netbox) must(code int, method, path string, body any) answer {
	n.t.Helper()
	a := n.call(method, path, body)
	if a.code != code {
		n.t.Fatalf("%s %s: %d, not %d: %.600s", method, path, a.code, code, a.raw)
	}
	return a
}

// fabric makes a fabric, and returns its number.
func (n *netbox) fabric(name string) int {
	n.t.Helper()
	return n.must(http.StatusCreated, "POST", "fabrics/?"+fabricFields, map[string]any{"name": name}).id()
}

const (
	fabricFields = "fields=id,name,sync_status"
	fields       = "fields=id,fabric,name,namespace,spec,labels,annotations,auto_sync,last_updated"
)

// record is what is sent of a resource.
func record(fabric int, name string, spec map[string]any) map[string]any {
	return map[string]any{"fabric": fabric, "name": name, "namespace": "default", "spec": spec}
}
