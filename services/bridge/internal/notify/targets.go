package notify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
)

// fileKey is that of the configuration for the file of targets.
const fileKey = "notifications_file"

// Forms in which a target takes what it is told.
const (
	standard = "standard" // of Standard Webhooks 1.0
	slack    = "slack"    // of incoming webhooks of Slack
)

const (
	// mostTargets bounds the connections that wait for what is to be told.
	mostTargets = 20
	mostBytes   = 1 << 20
	// mostSecrets are a new one and the one before it.
	mostSecrets = 2
	// leastKey is the least length of a key, in bytes, as Standard Webhooks has it.
	leastKey = 24
)

// Target is somebody outside who is told what is the matter.
type Target struct {
	// Name is what it is called in logs, metrics and dead letters.
	Name string `yaml:"name"`
	// Form is standard or slack; standard when it is empty.
	Form string `yaml:"form"`
	// URL is where it is, if that is no secret; else URLRef says where that is found.
	URL    string `yaml:"url"`
	URLRef string `yaml:"url_ref"`
	// SecretRef is where the secret is found that signs what it is told: one, or two while one replaces the other.
	SecretRef string `yaml:"secret_ref"`
	// Causes are what it wants to hear about; all when there are none.
	Causes []string `yaml:"causes"`
	// Fabrics are those that it wants to hear about; all when there are none.
	Fabrics []int32 `yaml:"fabrics"`
}

// wants reports whether a target is to be told something.
func (t *Target) wants(n *eventv1.Notification) bool {
	all := len(t.Causes) == 0
	return (len(t.Fabrics) == 0 || slices.Contains(t.Fabrics, n.GetFabricId())) &&
		(all || slices.Contains(t.Causes, n.GetCause())) &&
		(all || !n.GetRecovered() || slices.Contains(t.Causes, recovered))
}

// readTargets reads a file of targets. There are none where no file is named.
func readTargets(path string, allowHTTP bool) ([]Target, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := readFile(path)
	if err != nil {
		return nil, unusable(path, "a readable YAML file of targets").WithCause(err)
	}
	var file struct {
		Targets []Target `yaml:"targets"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		// the parser quotes what it can't read, and that may be an address with a password
		return nil, unusable(path, "YAML of targets with name, form, url or url_ref, secret_ref, causes and fabrics")
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, unusable(path, "one YAML document of targets")
	}
	if len(file.Targets) > mostTargets {
		return nil, unusable(path, fmt.Sprintf("up to %d targets", mostTargets))
	}
	seen := map[string]bool{}
	for i := range file.Targets {
		t := &file.Targets[i]
		if allowed := t.check(allowHTTP); allowed != "" {
			return nil, unusable(path, fmt.Sprintf("at target %d %s", i+1, allowed))
		}
		if seen[t.Name] {
			return nil, unusable(path, fmt.Sprintf("another name for target %d: each has its own", i+1))
		}
		seen[t.Name] = true
	}
	return file.Targets, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file of targets: %w", err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err == nil && len(raw) > mostBytes {
		err = errors.New("it is larger than a mebibyte")
	}
	return raw, err
}

func unusable(path, allowed string) *errs.Error {
	return errs.From(config.Invalid(fileKey, path, allowed))
}

// nameForm is that of the names of targets. They are labels of metrics and parts of keys.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// check returns what would be allowed in the place of the first thing that is not; empty when all is.
func (t *Target) check(allowHTTP bool) string {
	if t.Form == "" {
		t.Form = standard
	}
	wanted := slices.DeleteFunc(slices.Clone(t.Causes), func(c string) bool { return c == recovered })
	unknown := func(c string) bool { return !slices.Contains(causes(), c) }
	switch {
	case !nameForm.MatchString(t.Name):
		return "a name of up to 40 small letters, digits and hyphens"
	case t.Form != standard && t.Form != slack:
		return "the form standard or slack"
	case (t.URL == "") == (t.URLRef == ""):
		return "either url or url_ref"
	case t.URL != "" && checkURL(t.URL, allowHTTP) != nil:
		return "a url like https://hooks.example.com/fgd, without user; http with allow_http alone"
	case t.URLRef != "" && !isReference(t.URLRef):
		return "a url_ref of the form env:" + envPrefix + "NAME or file:NAME"
	case t.Form == standard && !isReference(t.SecretRef):
		return "a secret_ref of the form env:" + envPrefix + "NAME or file:NAME"
	case t.Form == slack && t.SecretRef != "":
		return "no secret_ref: Slack has its secret in the url"
	case len(t.Causes) > 0 && len(wanted) == 0, slices.ContainsFunc(wanted, unknown):
		return "causes of " + strings.Join(causes(), ", ") + ", and beside them recovered"
	}
	return ""
}

func isReference(text string) bool {
	_, err := (&credref.Finder{Prefix: envPrefix, Dir: "."}).Find(text)
	return err == nil
}

// errAddress says that an address can't be one. It does not repeat it.
var errAddress = errors.New("the address is none that may be used: https://HOST/PATH, or http with allow_http")

func checkURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP) {
		return errAddress
	}
	return nil
}

// address returns where a target is now.
func (t *Target) address(finder *credref.Finder, allowHTTP bool) (secret.String, error) {
	text := t.URL
	if t.URLRef != "" {
		var err error
		if text, err = follow(finder, t.URLRef); err != nil {
			return secret.String{}, err
		}
	}
	text = strings.TrimSpace(text)
	return secret.New(text), checkURL(text, allowHTTP)
}

// signers returns what signs what a target is told now, the newest first.
func (t *Target) signers(finder *credref.Finder) ([]*standardwebhooks.Webhook, error) {
	if t.SecretRef == "" {
		return nil, nil
	}
	text, err := follow(finder, t.SecretRef)
	if err != nil {
		return nil, err
	}
	texts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) })
	if len(texts) == 0 || len(texts) > mostSecrets {
		return nil, errSecret
	}
	var signers []*standardwebhooks.Webhook
	for _, one := range texts {
		signer, err := standardwebhooks.NewWebhook(one)
		if err != nil || len(one) < len(secretPrefix)+leastKey*4/3 || !strings.HasPrefix(one, secretPrefix) {
			return nil, errSecret
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

const secretPrefix = "whsec_"

// errSecret says that a secret can't be one. It does not repeat it.
var errSecret = errors.New("the secret is none: one or two of whsec_ and 24 bytes or more in base 64")

// follow returns what a reference leads to. No list of hosts is asked for: who names the address here has the
// configuration of the bridge, and with it the secret.
func follow(finder *credref.Finder, reference string) (string, error) {
	found, err := finder.Find(reference)
	if err != nil {
		return "", err
	}
	return found.Read()
}
