package hearing_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/testkit/redistest"
)

var (
	// schedules and seed choose how many schedules are tried, and which is the first.
	schedules = flag.Int("schedules", 0, "how many schedules are tried; 0 is for a number that is right for every day")
	seed      = flag.Uint64("seed", 1, "the first of the schedules")
)

const (
	usualSchedules = 1000
	steps          = 24
)

// TestEachChangeIsKeptOnce, whatever dies, is lost, comes twice, late or in another order, as long as one source is
// there; and after a loss of Redis everything is compared.
func TestEachChangeIsKeptOnce(t *testing.T) {
	t.Parallel()
	many := *schedules
	if many == 0 {
		many = usualSchedules
		if testing.Short() {
			many /= 10
		}
	}
	var next atomic.Uint64
	next.Store(*seed)
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		server := redistest.Start(t)
		conn, lossy := server.Conn(t), server.Lossy(t)
		lossyConn := lossy.Conn(t)
		work.Go(func() {
			for !t.Failed() {
				number := next.Add(1) - 1
				if number >= *seed+uint64(many) {
					return
				}
				t.Run(fmt.Sprint(number), func(t *testing.T) {
					if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					s := &schedule{
						world: newWorld(t), random: rand.New(rand.NewPCG(number, 0)),
						conn: conn, lossy: lossy, lossyConn: lossyConn, made: map[int]*made{},
					}
					s.run()
				})
			}
		})
	}
	work.Wait()
}

// schedule is a random order of what can happen.
type schedule struct {
	*world
	random    *rand.Rand
	conn      *redisconn.Conn
	lossy     *redistest.Lossy
	lossyConn *redisconn.Conn

	hearing  *hearing.Hearing
	old      *hearing.Hearing // of a process that was thought to be dead; nil for none
	feed     bool             // what is there
	log      bool
	broken   bool // a source was gone, or has forgotten something, at some time
	forgot   bool // the feed has, at some time
	open     []*transaction
	made     map[int]*made
	last     int
	requests int
	request  string // of the last change that took effect at once; empty after what one source alone has told
	story    []string
}

// made is a change that was made.
type made struct {
	fabric   int
	request  bool // the change log has it too
	settled  bool // it has taken effect
	optional bool // nobody has to know of it
	never    bool // nobody may hear of it
}

type transaction struct {
	*netboxserver.Transaction
	changes []int
	began   time.Time
	request string
}

var errDied = errors.New("the process has died")

func (s *schedule) say(format string, args ...any) {
	s.story = append(s.story, fmt.Sprintf(format, args...))
}

func (s *schedule) run() {
	s.feed, s.log = s.random.IntN(4) > 0, s.random.IntN(4) > 0
	if !s.feed && !s.log {
		s.log = true
	}
	s.broken = !s.feed
	s.switchSources()
	s.hearing = s.listener(s.lossyConn)
	s.quiet(2)
	for range steps {
		s.step()
	}
	s.end()
}

func (s *schedule) switchSources() {
	s.netbox.NoFeed(!s.feed)
	s.netbox.Deny(!s.log, false)
	s.request = ""
	s.say("feed %v, log %v", s.feed, s.log)
}

// step has one thing happen.
func (s *schedule) step() {
	switch n := s.random.IntN(100); {
	case n < 25:
		at := s.begin()
		if s.request == "" || s.forgot || s.random.IntN(3) == 0 {
			s.request = s.open[at].request
		}
		s.open[at].request = s.request // a request may have several transactions
		s.change(at)
		s.commit(at)
	case n < 32:
		s.begin()
		s.change(len(s.open) - 1)
	case n < 38 && len(s.open) > 0:
		s.change(s.random.IntN(len(s.open)))
	case n < 46 && len(s.open) > 0:
		s.commit(s.random.IntN(len(s.open)))
	case n < 49 && len(s.open) > 0:
		s.abort(s.random.IntN(len(s.open)))
	case n < 70:
		s.look()
	case n < 80:
		s.die()
	case n < 83:
		s.lossy.LoseReplyTo("evalsha")
		s.say("a reply will be lost")
	case n < 86:
		s.netbox.Break(netboxserver.Fault{
			Times: 1, Status: http.StatusBadGateway, Header: map[string]string{"Content-Type": "text/html"},
		})
		s.say("NetBox fails once")
	case n < 92:
		s.pass(time.Duration(s.random.IntN(90)) * time.Second)
		s.say("time passes")
		s.commitOld()
	case n < 96:
		s.change2Sources()
	case n < 97 && s.log:
		s.netbox.ForgetFeed()
		s.broken, s.forgot, s.request = true, true, ""
		s.say("the feed forgets")
	case n < 98:
		s.flush()
	default:
		s.zombie()
	}
}

// change2Sources takes a source away, or gives one back; one is there at any time.
func (s *schedule) change2Sources() {
	switch {
	case s.feed && s.log && s.random.IntN(2) == 0:
		if s.forgot { // the change log alone has it
			s.quiet(2)
		}
		s.log = false
	case s.feed && s.log:
		s.feed, s.broken = false, true
	default: // the other one has to be heard before the first may go
		s.feed, s.log = true, true
	}
	s.switchSources()
	if s.feed && s.log {
		s.quiet(2)
	}
}

func (s *schedule) begin() int {
	s.requests++
	s.open = append(s.open, &transaction{
		Transaction: s.netbox.Begin(), began: s.Now(), request: fmt.Sprint("r", s.requests),
	})
	return len(s.open) - 1
}

// change makes a change in a transaction: of few records, so that one changes more than once in a request.
func (s *schedule) change(of int) {
	s.last++
	m := &made{fabric: 1 + s.random.IntN(3), request: s.random.IntN(8) > 0}
	request := ""
	if m.request {
		request = s.open[of].request
	}
	e := entry(s.last, 1+s.random.IntN(3), m.fabric, request)
	if s.random.IntN(10) == 0 {
		e.Branch, m.never = "fgdtest0", true
	}
	if s.random.IntN(6) == 0 {
		e.Action, e.Before, e.After = "deleted", e.After, nil
	}
	m.never = m.never || m.fabric == 3
	s.made[s.last] = m
	s.open[of].Change(e)
	s.open[of].changes = append(s.open[of].changes, s.last)
	s.say("change %d of fabric %d by %q in %d, never %v", s.last, m.fabric, request, of, m.never)
}

func (s *schedule) commit(of int) {
	for _, n := range s.open[of].changes {
		s.made[n].settled = true
	}
	s.open[of].Commit()
	s.open = append(s.open[:of:of], s.open[of+1:]...)
	s.say("commit %d", of)
}

func (s *schedule) abort(of int) {
	s.open[of].Abort()
	for _, n := range s.open[of].changes {
		s.made[n].never = true
	}
	s.open = append(s.open[:of:of], s.open[of+1:]...)
	s.say("abort %d", of)
}

// commitOld commits what the change log would not be read again for.
func (s *schedule) commitOld() {
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.Now().Sub(s.open[i].began) > hearing.Window-100*time.Second {
			s.commit(i)
		}
	}
}

func (s *schedule) look() {
	err := s.hearing.Turn(s.t.Context())
	s.say("look: %v", err)
}

// quiet looks until nothing has failed so many times in a row.
func (s *schedule) quiet(times int) {
	for tries, good := 0, 0; good < times; tries++ {
		err := s.hearing.Turn(s.t.Context())
		s.say("look: %v", err)
		if good++; err != nil {
			good = 0
		}
		if tries > 50 {
			s.fail("it does not get well: %v", err)
			return
		}
		s.pass(time.Second)
	}
}

// die has the process end at a step, and another one begin. Sometimes the first was only stopped, and goes on later.
func (s *schedule) die() {
	at := []string{"compare", "read", "keep", "kept", "tell", "told"}[s.random.IntN(6)]
	times := 1 + s.random.IntN(2)
	var mu sync.Mutex
	s.hearing.Interrupt(func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		if step == at {
			times--
		}
		if times <= 0 {
			return errDied
		}
		return nil
	})
	err := s.hearing.Turn(s.t.Context())
	s.say("it dies at %s: %v", at, err)
	s.hearing.Interrupt(func(string) error { return nil })
	s.old, s.hearing = s.hearing, s.listener(s.lossyConn)
}

// zombie has a process go on whose place another one has taken.
func (s *schedule) zombie() {
	if s.old != nil {
		err := s.old.Turn(s.t.Context())
		s.say("one who was thought to be dead looks: %v", err)
	}
}

// flush loses all that Redis has. Somebody has to compare everything then, and what was made before may be lost.
func (s *schedule) flush() {
	if err := s.conn.Main.FlushAll(s.t.Context()).Err(); err != nil {
		s.fail("%v", err)
	}
	s.say("Redis has lost everything")
	before := s.compared()
	s.old, s.request = nil, ""
	s.quiet(2)
	if s.compared() == before {
		s.fail("nothing is compared after a loss")
	}
	for _, m := range s.made {
		m.optional = m.optional || m.settled
	}
}

// end lets everything take effect, and judges.
func (s *schedule) end() {
	for len(s.open) > 0 {
		s.commit(0)
	}
	s.quiet(4)
	kept := map[int]int{}
	for fabric, ours := range map[int]int32{1: 101, 2: 102} {
		told := map[int]bool{}
		for _, c := range s.told[ours] {
			told[number(s.t, c)] = true
		}
		for n, times := range s.kept(s.conn, ours) {
			if !told[n] {
				s.fail("%d is kept and was not told", n)
			}
			if s.made[n] == nil || s.made[n].fabric != fabric {
				s.fail("%d is kept of fabric %d", n, fabric)
			}
			kept[n] += times
		}
	}
	for n, m := range s.made {
		optional := m.optional || !m.request && s.broken
		switch times := kept[n]; {
		case m.never && times > 0, times > 1, !m.never && !optional && (m.request || s.feed) && times == 0:
			s.fail("change %d is kept %d times: %+v", n, times, *m)
		}
	}
}

func (s *schedule) fail(format string, args ...any) {
	s.t.Errorf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(s.story, "\n"))
}
