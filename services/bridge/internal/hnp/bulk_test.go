package hnp_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// drafts are of records that are called r-0, r-1, …
func (p *plugin) drafts(number int) []hnp.Draft {
	all := make([]hnp.Draft, number)
	for i := range all {
		all[i] = hnp.Draft{Identity: p.identity(fmt.Sprintf("r-%d", i)), Content: spec(i), Why: "0123abcd somebody: why"}
	}
	return all
}

// create makes records, and returns the names of those that were not made, with the error of each.
func (p *plugin) create(drafts []hnp.Draft) (left map[string]error, all error) {
	p.t.Helper()
	made, all := p.Create(p.t.Context(), "Server", drafts)
	if len(made) != len(drafts) {
		p.t.Fatalf("%d of %d outcomes: %v", len(made), len(drafts), all)
	}
	left = map[string]error{}
	for i, one := range made {
		if one.Err != nil {
			left[drafts[i].Identity.Name] = one.Err
		} else if one.Effect.Record.Identity() != drafts[i].Identity || !one.Effect.Record.Same("Server", drafts[i].Content) {
			p.t.Errorf("%v became %v", drafts[i], one)
		}
	}
	return left, all
}

// there returns how many servers there are, and that none is there twice.
func (p *plugin) there() int {
	p.t.Helper()
	all, err := p.List(p.t.Context(), "Server")
	if err != nil {
		p.t.Fatal(err)
	}
	return len(all)
}

// TestManyAtOnce: a hundred records are one request, and each of them one change.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := setup(t)
	drafts := p.drafts(250)
	left, err := p.create(drafts)
	if err != nil || len(left) != 0 || p.there() != 250 || p.Changes() != 250 || p.asked("POST") != 3 {
		t.Errorf("%v, %v; %d there, %d changes, %d requests", left, err, p.there(), p.Changes(), p.asked("POST"))
	}
}

// TestLargeOnes are sent in requests that NetBox takes.
func TestLargeOnes(t *testing.T) {
	t.Parallel()
	p := setup(t)
	drafts := p.drafts(6)
	for i := range drafts {
		drafts[i].Content = spec(strings.Repeat("a", 400<<10))
	}
	left, err := p.create(drafts)
	if err != nil || len(left) != 0 || p.there() != 6 || p.asked("POST") != 3 {
		t.Errorf("%v, %v; %d there, %d requests", left, err, p.there(), p.asked("POST"))
	}
}

// TestOneBadRecordStopsNoOther: each that NetBox does not take is refused with its own words, and all others are made.
func TestOneBadRecordStopsNoOther(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		p.put("Server", "r-3", nil, spec("other"))
		p.put("Server", "r-4", nil, spec(4))
		drafts := p.drafts(20)
		drafts[1].Identity.Name = "With.A.Dot"
		drafts[5].Content = spec("\x00")
		drafts[6].Content = spec(strings.Repeat("a", 1<<20))
		drafts[7].Identity.Fabric = 4711
		drafts[8].Content = hnp.Content{}
		drafts[9].Why = strings.Repeat("ü", 300)
		left, err := p.create(drafts)
		var dotted *hnp.Error
		if err != nil || len(left) != 5 || !errors.As(left["With.A.Dot"], &dotted) || dotted.Fields["name"] == nil ||
			!hnp.Is(left["With.A.Dot"], hnp.Refused) || !hnp.Is(left["r-3"], hnp.Changed) ||
			!hnp.Is(left["r-5"], hnp.Refused) || !hnp.Is(left["r-6"], hnp.Refused) || !hnp.Is(left["r-7"], hnp.Refused) {
			p.t.Errorf("%v, %v", left, err)
		}
		if p.there() != 16 || p.Changes() != 16 {
			p.t.Errorf("%d there, %d changes", p.there(), p.Changes())
		}
	})
}

// TestARefusalThatNamesNobody has halves tried until it is known who is meant.
func TestARefusalThatNamesNobody(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.handler = middleware(p.Server, func(w http.ResponseWriter, _ *http.Request, body string) bool {
		if strings.Contains(body, `"r-11"`) {
			answer(w, http.StatusBadRequest, `{"spec":["Bad."]}`)
		}
		return strings.Contains(body, `"r-11"`)
	})
	left, err := p.create(p.drafts(20))
	if err != nil || len(left) != 1 || !hnp.Is(left["r-11"], hnp.Refused) || p.there() != 19 {
		t.Errorf("%v, %v; %d there", left, err, p.there())
	}
}

// TestARecordThatNetBoxFailsOn is not made, may be tried again, and stops no other.
func TestARecordThatNetBoxFailsOn(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.handler = middleware(p.Server, func(w http.ResponseWriter, _ *http.Request, body string) bool {
		if strings.Contains(body, `"r-11"`) {
			answer(w, http.StatusInternalServerError, `{"exception":"DataError"}`)
		}
		return strings.Contains(body, `"r-11"`)
	})
	left, err := p.create(p.drafts(20))
	if err != nil || len(left) != 1 || !hnp.Is(left["r-11"], hnp.Away) || p.there() != 19 || p.Changes() != 19 {
		t.Errorf("%v, %v; %d there", left, err, p.there())
	}
}

// TestWhatComesOfManyAtOnce when nobody answers well: it is looked up, once for all of them, and each is made once.
func TestWhatComesOfManyAtOnce(t *testing.T) {
	t.Parallel()
	for name, f := range illAnswers() {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", done ", done), func(t *testing.T) {
				t.Parallel()
				p, f := setup(t), f
				f.Done, f.Times, f.Method = done, 1, http.MethodPost
				p.Break(f)
				left, err := p.create(p.drafts(10))
				if done && (len(left) != 0 || err != nil || p.asked("GET /api/plugins/hedgehog/servers/") != 1) {
					t.Errorf("%v, %v", left, err)
				}
				for _, one := range left {
					if !hnp.Is(one, hnp.Away) || !hnp.Is(err, hnp.Away) {
						t.Errorf("%v, %v", one, err)
					}
				}
				if left, err := p.create(p.drafts(10)); len(left) != 0 || err != nil || p.there() != 10 || p.Changes() != 10 {
					t.Errorf("again: %v, %v; %d there, %d changes", left, err, p.there(), p.Changes())
				}
			})
		}
	}
}

// TestWhatConcernsAll ends it: those that were made stay made, and the others have the reason.
func TestWhatConcernsAll(t *testing.T) {
	t.Parallel()
	for reason, f := range map[hnp.Reason]netboxserver.Fault{
		hnp.Denied:    {Status: http.StatusForbidden, Body: `{"detail":"Token expired"}`},
		hnp.Forbidden: {Status: http.StatusForbidden, Body: `{"detail":"You do not have permission to perform this action."}`},
		hnp.Away:      {Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "3"}},
		hnp.Unusable:  {Status: http.StatusMovedPermanently, Header: map[string]string{"Location": "/login/"}},
	} {
		p := setup(t)
		p.handler = middleware(p.Server, func(http.ResponseWriter, *http.Request, string) bool {
			if p.asked("POST") == 2 {
				p.Break(f)
			}
			return false
		})
		left, err := p.create(p.drafts(300))
		if !hnp.Is(err, reason) || len(left) != 200 || p.asked("POST") != 2 {
			t.Errorf("%v, %d left, %d requests", err, len(left), p.asked("POST"))
		}
		for _, one := range left {
			if !hnp.Is(one, reason) {
				t.Errorf("got %v", one)
			}
		}
	}
}

// TestNobodyKnows: what can't be looked up either is unclear, and what was not sent is not.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.handler = middleware(p.Server, func(http.ResponseWriter, *http.Request, string) bool {
		if p.asked("POST") > 0 {
			p.Break(netboxserver.Fault{})
		}
		return false
	})
	left, err := p.create(p.drafts(150))
	var unclear []string
	for name, one := range left {
		if hnp.Is(one, hnp.Unclear) {
			unclear = append(unclear, name)
		}
	}
	if !hnp.Is(err, hnp.Away) || len(left) != 150 || len(unclear) != 100 || slices.Contains(unclear, "r-149") {
		t.Errorf("%v, %d left, %d unclear", err, len(left), len(unclear))
	}
}

// TestAnAnswerAboutOthers is not taken for one about what was sent.
func TestAnAnswerAboutOthers(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.Break(netboxserver.Fault{
		Method: http.MethodPost, Status: http.StatusCreated, Done: true, Times: 1,
		Body: `[{"id":1,"fabric":1,"name":"x","namespace":"default"},{"id":2,"fabric":1,"name":"y","namespace":"default"}]`,
	})
	if left, err := p.create(p.drafts(2)); len(left) != 0 || err != nil || p.there() != 2 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestTwinsInWords: where NetBox says of each record that it is there already, it is looked up.
func TestTwinsInWords(t *testing.T) {
	t.Parallel()
	const exists = `{"__all__":["Server with this Fabric, Namespace and Name already exists."]}`
	for _, body := range []string{
		`{"detail":"2 of 3 objects could not be created.","errors":[{"index":0,"errors":` + exists +
			`},{"index":1,"errors":` + exists + `}]}`,
		`[` + exists + `,` + exists + `,{}]`, exists,
	} {
		p := setup(t)
		p.put("Server", "r-0", nil, spec(0))
		p.put("Server", "r-1", nil, spec("other"))
		p.Break(netboxserver.Fault{Method: http.MethodPost, Status: http.StatusBadRequest, Times: 1, Body: body})
		left, err := p.create(p.drafts(3))
		if err != nil || len(left) != 1 || !hnp.Is(left["r-1"], hnp.Changed) || p.there() != 3 || p.Changes() != 3 {
			t.Errorf("%s: %v, %v; %d there", body, left, err, p.there())
		}
	}
}

// TestTwiceInOne request: it is made once, and the second one is told so.
func TestTwiceInOne(t *testing.T) {
	t.Parallel()
	p := setup(t)
	drafts := p.drafts(3)
	drafts[2].Identity = drafts[0].Identity
	left, err := p.create(drafts)
	if err != nil || len(left) != 1 || !hnp.Is(left["r-0"], hnp.Changed) || p.there() != 2 {
		t.Errorf("%v, %v; %d there", left, err, p.there())
	}
}
