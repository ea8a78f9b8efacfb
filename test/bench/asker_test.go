package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

// askAddress makes this program ask for statuses instead of measuring: the Git host is in this process, and who asks
// shall not wait for it.
const askAddress = "FGD_BENCH_ASK"

// askToken is the variable with what it shows.
const askToken = "FGD_BENCH_TOKEN"

// askPeriod is how often it asks: so that the asking does not take the cores.
const askPeriod = 5 * time.Millisecond

func TestMain(m *testing.M) {
	if address := os.Getenv(askAddress); address != "" {
		if err := ask(address, os.Getenv(askToken), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// asked is what one who asks has seen.
type asked struct {
	Took  []time.Duration // for each status
	Floor []time.Duration // for an answer of the same program that needs nobody, asked in turn with the statuses
	Ended []system.Status
}

// ask asks for the syncs whose ids it reads, one after the other, each until it has ended, over a connection that is
// kept.
func ask(address, token string, ids io.Reader, out io.Writer) error {
	client := &http.Client{Transport: system.Showing(token, http.DefaultTransport)}
	ticker := time.NewTicker(askPeriod)
	defer ticker.Stop()
	var seen asked
	for lines := bufio.NewScanner(ids); lines.Scan(); {
		for ended := false; !ended; {
			floor, _, err := get(ticker, client, address+"/healthz")
			if err != nil {
				return err
			}
			took, body, err := get(ticker, client, address+"/api/v1/syncs/"+lines.Text())
			if err != nil {
				return err
			}
			seen.Floor, seen.Took = append(seen.Floor, floor), append(seen.Took, took)
			var status system.Status
			if err := json.Unmarshal(body, &status); err != nil {
				return err
			}
			if ended = !status.CompletedAt.IsZero(); ended {
				seen.Ended = append(seen.Ended, status)
			}
		}
	}
	return json.NewEncoder(out).Encode(seen)
}

// get reads an answer when its time has come, and says how long it took.
func get(ticker *time.Ticker, client *http.Client, address string) (took time.Duration, body []byte, err error) {
	<-ticker.C
	began := time.Now()
	response, err := client.Get(address)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", address, response.StatusCode, body)
	}
	return time.Since(began), body, err
}

// asking starts a process that asks; what it is given are the ids of syncs.
type asking struct {
	b       *testing.B
	process *exec.Cmd
	ids     io.WriteCloser
	out     io.Reader
}

func startAsking(b *testing.B, s *system.System) *asking {
	b.Helper()
	a := &asking{b: b, process: exec.CommandContext(b.Context(), os.Args[0])}
	a.process.Env = append(os.Environ(), askAddress+"="+s.Base, askToken+"="+s.Token())
	a.process.Stderr = os.Stderr
	var err error
	if a.ids, err = a.process.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if a.out, err = a.process.StdoutPipe(); err != nil {
		b.Fatal(err)
	}
	if err := a.process.Start(); err != nil {
		b.Fatal(err)
	}
	return a
}

// about returns it syncs to ask for, and waits until all of them have ended.
func (a *asking) about(ids []string) asked {
	a.b.Helper()
	for _, id := range ids {
		if _, err := fmt.Fprintln(a.ids, id); err != nil {
			a.b.Fatal(err)
		}
	}
	_ = a.ids.Close()
	var seen asked
	if err := json.NewDecoder(a.out).Decode(&seen); err != nil {
		a.b.Fatal(err)
	}
	if err := a.process.Wait(); err != nil {
		a.b.Fatal(err)
	}
	return seen
}
