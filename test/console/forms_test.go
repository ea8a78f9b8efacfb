package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// button is one of a form: in which template the form is, where it leads, with * for what a page fills in, and what the
// button says as NAME=VALUE; nothing where the form has one button alone.
type button struct{ template, action, says string }

var (
	postForm   = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	formButton = regexp.MustCompile(`<button(?: name="(\w+)" value="(\w+)")?`)
	filledIn   = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// buttons returns those of all forms that change something, as the templates of the console have them.
func buttons(t *testing.T) map[button]bool {
	t.Helper()
	files, err := filepath.Glob("../../services/bridge/internal/console/templates/*.html")
	must(t, err)
	found := map[button]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		forms := postForm.FindAllStringSubmatch(string(text), -1)
		if all := strings.Count(string(text), `method="post"`); all != len(forms) {
			t.Fatalf("%s has %d forms, and %d of them are understood", file, all, len(forms))
		}
		for _, form := range forms {
			for _, one := range formButton.FindAllStringSubmatch(form[0], -1) {
				b := button{filepath.Base(file), filledIn.ReplaceAllString(form[1], "*"), ""}
				if one[1] != "" {
					b.says = one[1] + "=" + one[2]
				}
				found[b] = true
			}
		}
	}
	return found
}

// selector finds the button on a page.
func (b button) selector() string {
	parts := strings.Split(b.action, "*")
	form, last := `form[method=post][action^="`+parts[0]+`"]`, len(parts)-1
	for i, part := range parts[1:] {
		switch {
		case part != "" && i+1 == last:
			form += `[action$="` + part + `"]`
		case part != "":
			form += `[action*="` + part + `"]`
		}
	}
	if name, value, says := strings.Cut(b.says, "="); says {
		return form + ` button[name="` + name + `"][value="` + value + `"]`
	}
	return form + " button:not([name])"
}
