package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/bundle"
	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
)

// support is what fgd support-bundle is told.
type support struct {
	*running
	here bundle.Here
	http string
	file string
}

// defaultData is the folder of fgd up, and defaultHTTPPort the port of its JSON API.
const (
	defaultData     = "fgd-data"
	defaultHTTPPort = "8080"
)

func newSupportBundle(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "support-bundle", Short: "Gather what a person who helps has to see, without secrets", Args: noArguments,
		Long: `Writes one .tar.gz, which only you can read, with what the API says (with your rights) and, where fgd up or the bridge
is on this machine, what lies beside it: versions, configuration, health, metrics, fabrics with their state, the last
syncs with their reports, dead letters, conflicts, counts of the quarantine, whether the audit is intact, logs, and what
Redis says of itself. What can't be had is a line of index.txt that says why.

Contents of repositories, values of conflicts, and values of variables and keys that can hold a secret are left out, and
secrets that are known or look like one are taken out of the rest. Look at it before you send it.`,
	}
	s := &support{running: newRunning(env, cmd)}
	s.here.Environ = env.Environ
	flags := cmd.Flags()
	flags.StringVar(&s.file, "out", "", "`file` to write; fgd-support-TIME.tar.gz in this folder without it")
	flags.StringVar(&s.here.Data, "data", "", "`folder` of fgd up; "+defaultData+" where the system is on this machine")
	flags.StringVar(&s.here.Log, "log", "", "`file` with the log of the server, of which the end is taken")
	flags.StringVar(&s.http, "http", "", "`URL` of the JSON API, for the page of metrics; "+defaultHTTPPort+" of this machine "+
		"where the system is on it")
	addConfigFlag(cmd, &s.here.Config)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return s.gather(cmd.Context()) }
	return cmd
}

// gather writes the bundle, and says what is in it.
func (s *support) gather(ctx context.Context) error {
	at := time.Now()
	if s.file == "" {
		s.file = "fgd-support-" + at.UTC().Format("20060102-150405") + ".tar.gz"
	}
	system, err := s.system()
	if err != nil {
		return err
	}
	redactor := bundle.NewRedactor(s.secrets(ctx))
	parts := append(system.Parts(redactor), s.here.Parts(redactor)...)
	index, err := s.write(ctx, redactor, at, parts)
	if err != nil {
		return err
	}
	made := render.Bundle{File: s.file, Parts: index}
	return s.print(made, func() { render.SupportBundle(s.env.results(), made) })
}

// system returns the system that is asked. Where --http does not say where its metrics are, they are looked for on this
// machine alone, and no token is shown to what is found there.
func (s *support) system() (bundle.System, error) {
	transport, err := s.transport()
	of := bundle.System{Remote: s.System, Metrics: s.http, ShowToken: s.http != "", Client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if !isHere(s.Server) {
		return of, err
	}
	if s.http == "" {
		scheme, address := "http://", strings.TrimSuffix(strings.TrimPrefix(s.Server, tlsScheme), "/")
		if strings.HasPrefix(s.Server, tlsScheme) {
			scheme = tlsScheme
		}
		host, _, _ := net.SplitHostPort(address) // which was looked at
		of.Metrics = scheme + net.JoinHostPort(host, defaultHTTPPort)
	}
	if s.here.Data == "" {
		s.here.Data = defaultData
	}
	return of, err
}

func (s *support) transport() (http.RoundTripper, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		content, err := os.ReadFile(s.CAFile)
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, exit.Misuse(errs.New(errs.InvalidRequest, "--ca-file: %s has no certificate that can be read.",
				s.CAFile).
				WithCause(err))
		}
	}
	return &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, nil
}

// secrets returns those that are known: of this machine, and what is shown to the system.
func (s *support) secrets(ctx context.Context) []string {
	secrets := s.here.Secrets()
	if token, err := s.Token(ctx); err == nil { // who asks without one is told so by each part
		secrets = append(secrets, token.Reveal())
	}
	return secrets
}

// write makes the file, which was not there, for its owner alone, and takes it away again when it is not whole.
func (s *support) write(ctx context.Context, r *bundle.Redactor, at time.Time, parts []bundle.Part,
) (index []render.BundlePart, err error) {
	file, err := os.OpenFile(s.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "%s is there already.", s.file).
			WithRemedy("Name another file with --out, or remove it."))
	}
	if err != nil {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "%s can't be written.", s.file).WithCause(err))
	}
	index, err = bundle.Write(ctx, file, r, at, parts)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(s.file))
	}
	return index, nil
}
