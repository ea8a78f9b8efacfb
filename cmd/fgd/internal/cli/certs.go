package cli

import (
	"net"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/certs"
	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/errs"
)

func newCerts(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "certs", Short: "Make the certificates by which services know each other",
		Long: `Makes a small authority of the installation, and a certificate for each service. In the folder are ca.crt and ca.key,
and a folder for each service with the files that service_ca_file, service_certificate_file and service_key_file name:
ca.crt, tls.crt and tls.key. Keep ca.key where no service runs.`,
	}, newCertsInit(env), newCertsRenew(env), newCertsShow(env))
}

// folderOf returns a folder of certificates for all services.
func folderOf(path string) certs.Folder {
	folder := certs.Folder{Path: path, Now: time.Now}
	for _, def := range suite.Definitions() {
		folder.Services = append(folder.Services, def.Name)
	}
	return folder
}

func addLifetimeFlag(cmd *cobra.Command, lifetime *time.Duration) {
	cmd.Flags().DurationVar(lifetime, "lifetime", certs.Lifetime, "how long the certificates are good for, as 2160h")
}

func newCertsInit(env Environment) *cobra.Command {
	var order certs.Order
	var addresses []string
	var ifAbsent bool
	cmd := &cobra.Command{
		Use: "init DIR", Short: "Make an authority, and a certificate for each service", Args: arguments(1, 1, "DIR"),
		RunE: func(_ *cobra.Command, args []string) (err error) {
			if order.Addresses, err = parseAddresses(addresses); err != nil {
				return exit.Misuse(err)
			}
			if ifAbsent {
				return folderOf(args[0]).MakeIfAbsent(order)
			}
			if err := folderOf(args[0]).Make(order); err != nil {
				return err
			}
			env.printf("%s has an authority, and a certificate for each service. Keep ca.key where no service runs.\n", args[0])
			return nil
		},
	}
	flags := cmd.Flags()
	addLifetimeFlag(cmd, &order.Lifetime)
	flags.StringSliceVar(&order.Names, "dns", nil, "`name` by which callers reach the bridge, for a certificate in DIR/https")
	flags.StringSliceVar(&addresses, "ip", nil, "`address` by which they do")
	flags.BoolVar(&ifAbsent, "if-absent", false, "do nothing where all is there already")
	return cmd
}

func parseAddresses(texts []string) ([]net.IP, error) {
	var out []net.IP
	for _, text := range texts {
		address := net.ParseIP(text)
		if address == nil {
			return nil, errs.New(errs.InvalidRequest, "--ip is %q, which is no address.", text)
		}
		out = append(out, address)
	}
	return out, nil
}

func newCertsRenew(env Environment) *cobra.Command {
	var order certs.Order
	cmd := &cobra.Command{
		Use: "renew DIR", Short: "Make new certificates of the authority that is there", Args: arguments(1, 1, "DIR"),
		Long: `Makes new certificates of the authority in DIR, and gives each service the authorities that ca.crt has by now. Services
read them without a restart.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := folderOf(args[0]).Renew(order); err != nil {
				return err
			}
			env.printf("The certificates in %s are new.\n", args[0])
			return nil
		},
	}
	addLifetimeFlag(cmd, &order.Lifetime)
	return cmd
}

func newCertsShow(env Environment) *cobra.Command {
	out := &output{env: env}
	cmd := &cobra.Command{
		Use: "show DIR", Short: "List the certificates, whom they are for, and when they end",
		Args: arguments(1, 1, "DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := folderOf(args[0]).List()
			if err != nil {
				return err
			}
			return out.print(list, func() { render.Certificates(out.results(), list) })
		},
	}
	out.add(cmd)
	return cmd
}
