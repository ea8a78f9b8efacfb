// Package hnp talks to the Hedgehog NetBox Plugin over NetBox's REST API: it lists the records of a kind, makes many,
// changes and deletes single ones, and writes how a fabric stands. docs/netbox.md says what is odd about the plugin (Q1
// to Q8) and what NetBox from 4.3 on does otherwise than its newest; each has its rule here.
package hnp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fgdsync.dev/libs/secret"
)

const (
	// maxRequest is how much is sent at once. NetBox takes 2.5 MB.
	maxRequest = 1 << 20
	// maxAnswer is how much of an answer is read.
	maxAnswer = 64 << 20
	// root is where the plugin is below the address of NetBox.
	root = "/api/plugins/hedgehog/"
	// fields are those that are asked for, and taken of what is sent. Without them NetBox looks for pages that the plugin
	// does not have (Q2).
	fields = "id,fabric,name,namespace,spec,labels,annotations,auto_sync,created,last_updated"
)

// Client talks to the plugin of one NetBox.
type Client struct {
	base  *url.URL
	token secret.String // as it is shown
	bare  secret.String // without the word before it
	half  secret.String // what of it is secret alone, where a key is before that
	http  *http.Client
	known chan known // what its generation is; who has taken it out finds that out
	most  int        // bytes of an answer that are read

	mostOfList int // bytes of a list that are read
}

// New returns a client of the NetBox at an address, which ends before /api. The token is as people have it: a word
// before it says its kind ("Bearer nbt_…", "Token …"), and may be left out. Nothing ends a request but its context and
// the transport, which should be Timed where others wait for their turn.
func New(address string, token secret.String, transport http.RoundTripper) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil ||
		base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the address of NetBox has to be one as https://netbox.example.com, without user and query")
	}
	shown, err := authorization(token)
	if err != nil {
		return nil, err
	}
	_, bare, _ := strings.Cut(shown.Reveal(), " ")
	_, half, _ := strings.Cut(bare, ".")
	c := &Client{
		base: base, token: shown, bare: secret.New(bare), half: secret.New(half), known: make(chan known, 1),
		most: maxAnswer, mostOfList: maxList,
	}
	c.http = &http.Client{
		Transport: transport,
		// A redirect leads from POST to GET, and from https to where the token shall not go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.known <- known{}
	return c, nil
}

// Answered is what is known of an answer beside what it says.
type Answered struct {
	// RequestID is what NetBox calls the request in its change log.
	RequestID string
	// At is what time it was for NetBox, to a second; zero when it does not say.
	At time.Time
}

// call makes a request and reads the answer into a value, unless that is nil.
func (c *Client) call(
	ctx context.Context, method, path string, query url.Values, body, into any, header http.Header,
) (Answered, error) {
	request, err := c.request(ctx, method, path, query, body, header)
	if err != nil {
		return Answered{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Answered{}, unanswered(method, err)
	}
	defer func() { _ = response.Body.Close() }()
	answered := Answered{RequestID: c.requestID(response.Header.Get("X-Request-ID"))}
	answered.At, _ = http.ParseTime(response.Header.Get("Date"))
	raw, err := io.ReadAll(io.LimitReader(response.Body, int64(c.most)+1))
	_ = response.Body.Close() // who asks NetBox why it refuses waits for its turn, which this request has till then
	switch {
	case err != nil:
		return answered, unanswered(method, err)
	case len(raw) > c.most:
		return answered, &Error{Reason: Unclear, Detail: "NetBox sends more than is read", cause: errTooMuch}
	case response.StatusCode >= http.StatusMultipleChoices:
		response.Header.Set("Location", c.cleanURL(response.Header.Get("Location")))
		return answered, c.told(ctx, refused(response, c.cleanJSON(raw)))
	case into == nil:
		return answered, nil
	}
	if media, _, _ := mime.ParseMediaType(c.clean(response.Header.Get("Content-Type"))); media != "application/json" {
		return answered, &Error{
			Reason: doubtful(method), Status: response.StatusCode,
			Detail: "what answers is no REST API: its answer is " + cmp.Or(printable(media), "of no known type"),
		}
	}
	if err := decode(raw, into); err != nil {
		return answered, &Error{
			Reason: doubtful(method), Status: response.StatusCode,
			Detail: "the answer of NetBox is cut off, or not what was asked for",
		}
	}
	return answered, nil
}

func (c *Client) request(
	ctx context.Context, method, path string, query url.Values, body any, header http.Header,
) (*http.Request, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		if len(content) > maxRequest {
			return nil, tooLarge()
		}
	}
	at := c.base.JoinPath(path)
	at.Path += "/"
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", c.token.Reveal())
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Language", "en") // what a refusal means is known by its words
	if content != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// errTooMuch is for an answer that is larger than what is read.
var errTooMuch = errors.New("the answer is too large")

// IsTooMuch reports whether an answer was larger than what is read.
func IsTooMuch(err error) bool { return errors.Is(err, errTooMuch) }

// decode reads JSON, with numbers as they are written.
func decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one value")
	}
	return nil
}
