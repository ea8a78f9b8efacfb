package cli

import (
	"cmp"
	"net"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/contexts"
	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
)

// Variables that say which running system commands are for.
const (
	envServer  = "HEDGEHOG_FGD_SERVER"
	envContext = "HEDGEHOG_FGD_CONTEXT"
)

// defaultServer is where fgd up serves gRPC.
const defaultServer = "127.0.0.1:9090"

// serverFlags say which running system a command is for, and how it is reached.
type serverFlags struct{ server, context, caFile, tokenFile string }

// add adds those of all commands for a running system.
func (f *serverFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "",
		"`address` of gRPC of fgd up, or of a bridge, as HOST:PORT; https://HOST:PORT for TLS")
	flags.StringVar(&f.context, "context", "", "`name` of the context that says where the system is (fgd context)")
}

func (f *serverFlags) addCAFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.caFile, "ca-file", "",
		"PEM `file` of authorities that are trusted for an https:// address; those of this machine without it")
}

func (f *serverFlags) addTokenFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "",
		"`file` with the token to show; "+envToken+" counts more, and without both fgd login, or "+bootstrapToken)
}

// chosen is the running system that a command is for.
type chosen struct {
	contexts.Context
	name string // of the context; empty where none has said it
	from string // what has said it, for people
}

// choose says which running system a command is for. Of these the first counts that says something: --server,
// --context, the variables HEDGEHOG_FGD_SERVER and HEDGEHOG_FGD_CONTEXT, the context that fgd context use has made the
// current one, and where fgd up serves on this machine. What a context says of authorities and tokens is for its server
// alone; --ca-file and --token-file count more than it.
func (f *serverFlags) choose(env Environment) (chosen, error) {
	if f.server != "" && f.context != "" {
		return chosen{}, exit.Misuse(errs.New(errs.InvalidRequest, "--server and --context contradict each other.").
			WithRemedy("Leave one of the two out."))
	}
	c, err := f.chooseServer(env)
	if err != nil {
		return c, err
	}
	c.CAFile, c.TokenFile = cmp.Or(f.caFile, c.CAFile), cmp.Or(f.tokenFile, c.TokenFile)
	return c, checkServer(c.Server)
}

func (f *serverFlags) chooseServer(env Environment) (chosen, error) {
	server, name := app.Environment(env.Environ, envServer), app.Environment(env.Environ, envContext)
	switch {
	case f.server != "":
		return chosen{contexts.Context{Server: f.server}, "", "--server"}, nil
	case f.context != "":
		return named(env, f.context, "--context")
	case server != "":
		return chosen{contexts.Context{Server: server}, "", "the variable " + envServer}, nil
	case name != "":
		return named(env, name, "the variable "+envContext)
	}
	all, err := contextsOf(env).Load()
	switch {
	case err != nil:
		return chosen{}, err
	case all.Current != "":
		return named(env, all.Current, "fgd context use")
	}
	return chosen{contexts.Context{Server: defaultServer}, "", "nothing; it is where fgd up serves"}, nil
}

func named(env Environment, name, from string) (chosen, error) {
	all, err := contextsOf(env).Load()
	if err != nil {
		return chosen{}, err
	}
	found, err := all.Named(name)
	return chosen{found, name, from}, err
}

func contextsOf(env Environment) contexts.Store { return contexts.NewStore(app.Lookup(env.Environ)) }

// tlsScheme stands before the address of a server that speaks TLS.
const tlsScheme = "https://"

// checkServer refuses what is no address of gRPC.
func checkServer(server string) error {
	address := strings.TrimSuffix(strings.TrimPrefix(server, tlsScheme), "/")
	host, port, err := net.SplitHostPort(address)
	if err == nil && host != "" && port != "" && !strings.ContainsAny(address, "/ ") {
		return nil
	}
	return exit.Misuse(errs.New(errs.InvalidRequest, "%q is no address of a server.", server).
		WithRemedy("Write HOST:PORT, or https://HOST:PORT where it speaks TLS."))
}

// isHere reports whether a server is on this machine.
func isHere(server string) bool {
	host, _, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(server, tlsScheme), "/"))
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// absolute returns the path of a file, so that it is the same from every folder.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
