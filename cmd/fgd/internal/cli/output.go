package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
)

// Forms in which a command prints what it has found out.
const (
	formTable = "table"
	formWide  = "wide"
	formJSON  = "json"
	formYAML  = "yaml"
	formName  = "name"
)

func forms() []string { return []string{formTable, formWide, formJSON, formYAML, formName} }

// output is how a command prints what it has found out.
type output struct {
	env  Environment
	form string
	json bool
	jq   string
}

// add adds the flags that say it.
func (o *output) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.form, "output", "o", formTable, "`form` of what is printed: "+strings.Join(forms(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&o.json, "json", false, "the same as -o json")
	cmd.Flags().StringVar(&o.jq, "jq", "", "print what this jq `expression` makes of the JSON")
}

// check refuses a form that is none.
func (o *output) check() error {
	if o.json && o.form == formTable {
		o.form = formJSON
	}
	if slices.Contains(forms(), o.form) {
		return nil
	}
	return exit.Misuse(errs.New(errs.InvalidRequest, "-o is %q, which is none of %s.", o.form,
		strings.Join(forms(), ", ")))
}

// isData reports whether what is printed is for programs.
func (o *output) isData() bool {
	return o.json || o.jq != "" || slices.Contains([]string{formJSON, formYAML, formName}, o.form)
}

// isWide reports whether a table has all its columns.
func (o *output) isWide() bool { return o.form == formWide }

// results is where results go. With -o wide its tables have all their columns.
func (o *output) results() *render.Screen {
	if o.isWide() {
		return o.env.results().ShowingAll()
	}
	return o.env.results()
}

// print prints an answer, a message of a contract or a document of its own: for programs, or in words.
func (o *output) print(answer any, words func()) error {
	if !o.isData() {
		words()
		return nil
	}
	data, err := render.Plain(answer)
	if err != nil {
		return err
	}
	switch {
	case o.jq != "":
		return exit.MisuseIfInvalid(render.Filtered(o.env.Stdout, data, o.jq))
	case o.form == formYAML:
		return render.YAML(o.env.Stdout, data)
	case o.form == formName:
		return exit.MisuseIfInvalid(render.Names(o.env.Stdout, data, answer))
	}
	return render.Document(o.env.Stdout, data)
}

// wantsJSON reports whether a command was told to print JSON; its error is one document then.
func wantsJSON(cmd *cobra.Command) bool {
	form, err := cmd.Flags().GetString("output")
	if err != nil {
		return false
	}
	jq, _ := cmd.Flags().GetString("jq")
	asJSON, _ := cmd.Flags().GetBool("json")
	return asJSON || jq != "" || form == formJSON
}
