package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

// askAddress makes this program ask for statuses instead of measuring: the Git host is in this process, and who asks
// shall not wait for it.
const askAddress = "FGD_BENCH_ASK"

// askToken is the variable with what it shows.
const askToken = "FGD_BENCH_TOKEN"

// askPath is the variable with the one path that it asks for, instead of syncs whose ids it reads.
const askPath = "FGD_BENCH_PATH"

// askPeriod is how often it asks: so that the asking does not take the cores.
const askPeriod = 5 * time.Millisecond

func TestMain(m *testing.M) {
	if address := os.Getenv(askAddress); address != "" {
		asks := ask
		if os.Getenv(askPath) != "" {
			asks = askOften
		}
		if err := asks(address, os.Getenv(askToken), os.Stdin, os.Stdout); err != nil {
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
			took, content, err := get(ticker, client, address+"/api/v1/syncs/"+lines.Text())
			if err != nil {
				return err
			}
			seen.Floor, seen.Took = append(seen.Floor, floor), append(seen.Took, took)
			var status system.Status
			if err := json.Unmarshal(content, &status); err != nil {
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
func get(
	ticker *time.Ticker, client *http.Client, address string,
) (took time.Duration, content []byte, err error) {
	<-ticker.C
	began := time.Now()
	content, err = body(client, address)
	return time.Since(began), content, err
}

// body returns what an answer has, which has to be one of success.
func body(client *http.Client, address string) ([]byte, error) {
	response, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", address, response.StatusCode, content)
	}
	return content, err
}

// askOften asks for a path and for the floor in turn, each 500 times a second, until its input ends. It does not wait
// for an answer before it asks again, and counts from when the time to ask had come.
func askOften(address, token string, until io.Reader, out io.Writer) error {
	const period = time.Millisecond
	client := &http.Client{Transport: system.Showing(token, &http.Transport{MaxIdleConnsPerHost: 100})}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, until)
		ended <- err
	}()
	var work sync.WaitGroup
	var mu sync.Mutex
	var seen asked
	var failed error
	for i, due := 0, time.Now(); ; i, due = i+1, due.Add(period) {
		select {
		case err := <-ended:
			work.Wait()
			if err := errors.Join(err, failed); err != nil {
				return err
			}
			return json.NewEncoder(out).Encode(seen)
		case <-time.After(time.Until(due)):
		}
		path, took := os.Getenv(askPath), &seen.Took
		if i%2 == 0 {
			path, took = "/healthz", &seen.Floor
		}
		work.Go(func() {
			_, err := body(client, address+path)
			mu.Lock()
			defer mu.Unlock()
			*took, failed = append(*took, time.Since(due)), errors.Join(failed, err)
		})
	}
}

// askEvenly has a process ask for a path, until done is closed.
func askEvenly(b *testing.B, s *system.System, path string, done <-chan struct{}) asked {
	b.Helper()
	a := startAsking(b, s, askPath+"="+path)
	<-done
	return a.about(nil)
}

// asking starts a process that asks; what it is given are the ids of syncs.
type asking struct {
	b       *testing.B
	process *exec.Cmd
	ids     io.WriteCloser
	out     io.Reader
}

func startAsking(b *testing.B, s *system.System, env ...string) *asking {
	b.Helper()
	a := &asking{b: b, process: exec.CommandContext(b.Context(), os.Args[0])}
	a.process.Env = append(append(os.Environ(), askAddress+"="+s.Base, askToken+"="+s.Token()), env...)
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
