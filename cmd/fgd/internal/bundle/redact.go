package bundle

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/secret"
)

const redacted = "[redacted]"

// Redactor takes secrets out of texts. There are three kinds: those that are known because they are on this machine,
// those that have the form or the place of a secret, and words that look as if nobody had chosen them. A secret that is
// none of these is kept out by what is gathered, not here.
type Redactor struct {
	known *strings.Replacer
	forms forms
}

// NewRedactor returns one that knows some secrets. Those of fewer than six bytes are not looked for: they are parts of
// ordinary words.
func NewRedactor(secrets []string) *Redactor {
	return &Redactor{known: replacer(secrets), forms: newForms()}
}

// Known returns a text without the secrets that are known, however they are written, and without those of a form that
// nothing else has.
func (r *Redactor) Known(text string) string {
	text = r.known.Replace(text)
	for _, form := range r.forms.own {
		text = form.ReplaceAllString(text, redacted)
	}
	return secret.Scrub(text)
}

// Line returns a text of a program without what stands in the place of a secret, and without words that look as if
// nobody had chosen them.
func (r *Redactor) Line(text string) string {
	text = r.Known(text)
	for _, place := range r.forms.places {
		text = place.form.ReplaceAllString(text, place.with)
	}
	return r.forms.word.ReplaceAllStringFunc(text, unchosen)
}

// Words is Line for what is told of something that others wrote: what it quotes is left out, and so are words of a Git
// host.
func (r *Redactor) Words(text string) string {
	text = r.forms.hostWords.ReplaceAllString(text, "$1: …")
	for _, quote := range r.forms.quotes {
		text = quote.ReplaceAllString(text, "$1…$2")
	}
	return r.Line(text)
}

// forms are those of secrets.
type forms struct {
	own       []*regexp.Regexp // of secrets alone
	places    []place
	quotes    []*regexp.Regexp
	hostWords *regexp.Regexp
	word      *regexp.Regexp
	names     *regexp.Regexp // of fields that have a secret
	number    *regexp.Regexp
}

// place is where a secret stands, and what is put there.
type place struct {
	form *regexp.Regexp
	with string
}

func newForms() forms {
	f := forms{
		hostWords: regexp.MustCompile(`((?:FGD_(?:4\d{3}|3011) [A-Z_]+: |The Git host |NetBox ).*?): .*`),
		word:      regexp.MustCompile(`[0-9A-Za-z+=_-]{16,}`),
		number:    regexp.MustCompile(`-?[0-9][0-9.eE+-]*`),
	}
	for _, form := range []string{
		`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`,
		`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\n|[\s0-9A-Za-z+/=])*`, // that is cut
		`AGE-SECRET-KEY-1[0-9A-Z]+`,
		`gh[pousr]_[0-9A-Za-z]+`, `github_pat_[0-9A-Za-z_]+`, `glpat-[0-9A-Za-z_.-]+`, `xox[a-z]-[0-9A-Za-z-]+`,
		`whsec_[0-9A-Za-z+/=]+`, `AKIA[0-9A-Z]{16}`, `nbt_[0-9A-Za-z.]+`,
		`https://hooks\.slack\.com/[^\s"'\\]*`, `-----BEGIN AGE ENCRYPTED FILE-----[^-]*`,
	} {
		f.own = append(f.own, regexp.MustCompile(form))
	}
	const (
		name  = `[a-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|(?:api|private|access)[_-]?key|pepper)`
		value = `(?:\\"[^"]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"',;}\\]+)`
	)
	f.names = regexp.MustCompile(`(?i)(?:` + name + `|authorization|cookie|credentials?)$`)
	for _, p := range []struct{ form, with string }{
		{`(://)[^/\s@"'\\]*@`, "${1}" + redacted + "@"},
		{`(^|[\s"'(])[^\s:/@"'(]+:[^\s/@"']+@(\S+:)`, "${1}" + redacted + "@${2}"},
		{`(://[^\s"'?#\\]*)[?#][^\s"'\\]*`, "${1}?" + redacted},
		{`(?i)\b(bearer|basic|digest|token)\s+[0-9a-z+/=._~-]{8,}`, "${1} " + redacted},
		{
			`(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]*(?:token|key|secret)|private-token)` +
				`(\\?["']?\s*[:=]\s*).*`, "${1}${2}" + redacted,
		},
		{`(?i)(` + name + `\\?["']?\s*[:=]\s*)` + value, "${1}" + redacted},
		{`(?i)(\s--?` + name + `\s+)` + value, "${1}" + redacted},
		{`(\s-u\s+[^\s:]+:)\S+`, "${1}" + redacted},
	} {
		f.places = append(f.places, place{regexp.MustCompile(p.form), p.with})
	}
	for _, quote := range []string{`(")(?:[^"\\]|\\.)*(")`, "(`)[^`]*(`)", `((?:^|[\s(:])')[^']*(')`, `(“)[^”]*(”)`} {
		f.quotes = append(f.quotes, regexp.MustCompile(quote))
	}
	return f
}

// shortID is how much of a commit is told where it may be something else of that form.
const shortID = 7

// unchosen returns a word, or what is told in its place when it looks as if nobody had chosen it: the first of its
// digits where it may be the id of a commit, else nothing of it.
func unchosen(word string) string {
	switch {
	case uuidForm(word), strings.Trim(word, "0123456789") == "":
		return word
	case strings.Trim(word, "0123456789abcdef") == "":
		return word[:shortID] + "…"
	}
	for _, part := range strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("+=_-", r) }) {
		if random(part) {
			return redacted
		}
	}
	return word
}

// random reports whether a word of letters and digits looks as if nobody had chosen it: digits between letters, or
// small and large letters as no name has them.
func random(word string) bool {
	const least = 10
	if len(word) < least {
		return false
	}
	var changes, digits, upper int
	for i, r := range word {
		digits += count(unicode.IsDigit(r))
		upper += count(unicode.IsUpper(r))
		if i > 0 {
			changes += count(class(r) != class(rune(word[i-1])))
		}
	}
	const capitals = 16 // of a word that no name has
	letters := len(word) - digits
	return digits > 0 && letters > 0 && changes > 2 || upper > 0 && upper+digits == len(word) && len(word) >= capitals ||
		changes > len(word)/3
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func class(r rune) int { return count(unicode.IsDigit(r)) + 2*count(unicode.IsUpper(r)) }

// uuidForm reports whether a word is written as a UUID is.
func uuidForm(word string) bool {
	parts := strings.Split(word, "-")
	sizes := []int{8, 4, 4, 4, 12}
	if len(parts) != len(sizes) {
		return false
	}
	for i, part := range parts {
		if len(part) != sizes[i] || strings.Trim(part, "0123456789abcdef") != "" {
			return false
		}
	}
	return true
}

// document returns an answer of the API, or a value of JSON, as an indented document in which each text is redacted.
func (r *Redactor) document(answer any) (string, error) {
	value, err := render.Plain(answer)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = render.Document(&b, r.value("", value))
	return b.String(), err
}

// value redacts the texts of a value of JSON, each by what its field is for.
func (r *Redactor) value(field string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		code, _ := v["code"].(string)
		for name, of := range v {
			v[name] = r.value(name, of)
		}
		if message, is := v["message"].(string); is && (strings.HasPrefix(code, "FGD_4") || code == "FGD_3011") {
			before, _, _ := strings.Cut(message, ": ")
			v["message"] = before
		}
		return v
	case []any:
		for i := range v {
			v[i] = r.value(field, v[i])
		}
		return v
	case string:
		return r.field(field, v)
	case json.Number:
		if r.forms.names.MatchString(field) {
			return redacted
		}
	}
	return value
}

// toldOf are fields with words about what others wrote.
func toldOf(field string) bool {
	return slices.Contains([]string{"message", "error", "err", "reason", "cause", "last_error", "notes"}, field)
}

// field redacts the text of a field.
func (r *Redactor) field(name, text string) string {
	switch {
	case text == "":
		return text
	case r.forms.names.MatchString(name):
		return redacted
	case strings.HasSuffix(name, "_sha") || strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "hash"):
		if strings.Trim(text, "0123456789abcdef-") == "" {
			return text
		}
	case toldOf(name):
		return r.Words(text)
	}
	return r.Line(text)
}

// log redacts lines of a log: those of JSON by what their fields are for.
func (r *Redactor) log(text string) string {
	var b strings.Builder
	for line := range strings.Lines(r.Known(text)) { // a key has several lines
		if json.Valid([]byte(line)) {
			b.WriteString(r.fields(line))
		} else {
			b.WriteString(r.Line(line))
		}
	}
	return b.String()
}

// fields redacts the texts and numbers of a line of JSON, and leaves the order of its fields.
func (r *Redactor) fields(line string) string {
	var b strings.Builder
	name, said, end := "", "", 0
	for _, at := range r.forms.quotes[0].FindAllStringIndex(line, -1) {
		b.WriteString(r.numbers(name, line[end:at[0]]))
		end = at[1]
		var text string
		if json.Unmarshal([]byte(line[at[0]:end]), &text) != nil {
			continue // which is no part of valid JSON
		}
		if strings.HasPrefix(strings.TrimLeft(line[end:], " \t"), ":") {
			name = text
			b.WriteString(line[at[0]:end])
			continue
		}
		if name == "msg" {
			said = text
		}
		if said == "fabric suspended" && name == "reason" {
			text = "…" // words of a person
		}
		raw, err := json.Marshal(r.field(name, text))
		if err == nil {
			b.Write(raw)
		}
	}
	return b.String() + r.numbers(name, line[end:])
}

// numbers redacts the numbers of a field that has a secret, in what stands between two texts of JSON.
func (r *Redactor) numbers(field, between string) string {
	if !r.forms.names.MatchString(field) {
		return between
	}
	return r.forms.number.ReplaceAllString(between, `"`+redacted+`"`)
}
