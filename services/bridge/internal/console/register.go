package console

import (
	"net/http"
	"strconv"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// registration is a repository that somebody is about to connect, with what was found out about it.
type registration struct {
	Typed      *bridgev1.CreateFabricRequest
	Number     string // as it was typed
	Held       bool   // no sync publishes until somebody has looked
	WithToken  bool   // a token was given, which is not shown again
	Connection *bridgev1.Connection
	Problem    error
}

// heldReason says why a fabric that was registered so does not publish.
const heldReason = "registered in the console, to be looked at before anything is published"

// showRegistration shows the form that connects a repository.
func (v *visit) showRegistration() error {
	if !v.mayAnywhere("admin") {
		return errs.New(errs.NotAllowed, "Connecting a repository takes the role of an admin.")
	}
	return v.registration(http.StatusOK, &registration{Held: true})
}

func (v *visit) registration(status int, r *registration) error {
	v.write(status, "register", view{Title: "Connect a repository", Section: "fabrics", Data: r})
	return nil
}

// register finds out whether a repository can be reached, or connects it and leads to its fabric. What was typed is
// shown again, but for secrets.
func (v *visit) register() error {
	r, err := v.typedRegistration()
	if err == nil && v.posted("action") == "register" {
		var made *bridgev1.CreateFabricResponse
		if made, err = ask(v, v.api.fabrics.CreateFabric, r.Typed); err == nil {
			return v.see(fabricPath(made.GetFabric().GetFabricId()))
		}
	} else if err == nil {
		r.Connection, err = v.connection(r.Typed)
	}
	switch {
	case err == nil:
		return v.registration(http.StatusOK, r)
	case errs.KindOf(err) == errs.Unauthenticated:
		return err
	}
	r.Problem = errs.From(err)
	return v.registration(statusOf(err), r)
}

// connection asks how a repository can be reached that no fabric has yet.
func (v *visit) connection(typed *bridgev1.CreateFabricRequest) (*bridgev1.Connection, error) {
	answer, err := ask(v, v.api.fabrics.CheckConnection, &bridgev1.CheckConnectionRequest{
		RepositoryUrl: typed.GetRepositoryUrl(), Branch: typed.GetBranch(), GitopsDirectory: typed.GetGitopsDirectory(),
		Credentials: typed.GetCredentials(),
	})
	return answer.GetConnection(), err
}

// typedRegistration reads the form.
func (v *visit) typedRegistration() (*registration, error) {
	r := &registration{
		Number: v.posted("fabric_id"), Held: v.posted("held") != "",
		WithToken: v.posted("with_token") != "", Typed: &bridgev1.CreateFabricRequest{
			Name: v.posted("name"), RepositoryUrl: v.posted("repository_url"), Branch: v.posted("branch"),
			GitopsDirectory: v.posted("gitops_directory"),
		},
	}
	if r.Held {
		r.Typed.SuspendReason = heldReason
	}
	switch ref, token := v.posted("credentials_ref"), v.posted("token"); {
	case r.WithToken && ref == "" && token == "":
		return r, errs.Field("token", "The token is missing, with which the connection was checked.").
			WithRemedy("Type it again: it is not kept. Or load the page anew, to connect without one.")
	case ref != "" && token != "":
		return r, errs.Field("token", "A token and a reference are given.").WithRemedy("Give one of the two.")
	case ref != "":
		r.Typed.Credentials = &bridgev1.Credentials{Ref: ref}
	case token != "":
		r.Typed.Credentials, r.WithToken = &bridgev1.Credentials{Token: token}, true
	}
	if r.Number == "" {
		return r, nil
	}
	number, err := strconv.ParseInt(r.Number, 10, 32)
	if err != nil || number < 1 {
		return r, errs.Field("fabric_id", "%q is no number of a fabric.", r.Number).
			WithRemedy("Type the number that the fabric has in NetBox, or leave it empty.")
	}
	r.Typed.FabricId = int32(number)
	return r, nil
}
