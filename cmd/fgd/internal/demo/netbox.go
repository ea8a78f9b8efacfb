package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/netboxserver"
)

// tokenRef is how the fabric refers to the token of the NetBox, in the folder that Serve wrote it into.
const tokenRef = "file:netbox"

// NetBox is an emulated one, on this machine, with a record for the fabric.
type NetBox struct {
	*netboxserver.Server

	fabric int
	web    *http.Server
	ended  chan error
}

// ServeNetBox serves one on a free loopback port until it is closed, and writes its token into a folder of credentials.
func ServeNetBox(ctx context.Context, credentials string) (*NetBox, error) {
	emulated, err := netboxserver.New(netboxserver.Version)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errs.New(errs.ListenFailed, "There is no free port on this machine.").WithCause(err)
	}
	address := listener.Addr().String()
	emulated.URL = "http://" + address
	n := &NetBox{
		Server: emulated, fabric: emulated.AddFabric(fabricName), ended: make(chan error, 1),
		web: &http.Server{Handler: emulated, ReadHeaderTimeout: time.Minute},
	}
	go func() { n.ended <- n.web.Serve(listener) }()
	if err := writeToken(credentials, address); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Close ends it.
func (n *NetBox) Close() error {
	err := n.web.Close()
	if ended := <-n.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func writeToken(folder, address string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of credentials: %w", err)
	}
	for name, text := range map[string]string{"netbox": netboxserver.Token, "netbox.hosts": address} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the token of the emulated NetBox: %w", err)
		}
	}
	return nil
}
