package rpc_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/authority"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/certtest"
	"fgdsync.dev/testkit/grpctest"
)

// proving serves as the orchestrator to those who prove who they are, and returns where, and a connection inside the
// process.
func proving(t *testing.T, keys *mtls.Keys) (address string, inside grpc.ClientConnInterface) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gate := &rpc.Gate{}
	server := rpc.NewServer(telemetry.Discard(), rpc.Services, gate, keys.Server(), grpctest.OneLog(telemetry.Discard()))
	syncv1.RegisterSyncServiceServer(server, &service{})
	grpc_health_v1.RegisterHealthServer(server, health.New(nil, nil))
	reflection.Register(server)
	peers, err := rpc.NewPeers(server.GetServiceInfo(), true)
	if err != nil {
		t.Fatal(err)
	}
	gate.Set(peers)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	server.Open()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !strings.Contains(err.Error(), "stopped") {
			t.Error(err)
		}
	})
	return listener.Addr().String(), server.Inside()
}

func dialAs(t *testing.T, address string, keys *mtls.Keys) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.DialNamed("orchestrator", address, keys, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// eachKind makes a call and a stream, and returns how each ended.
func eachKind(t *testing.T, conn grpc.ClientConnInterface) (unary, streamed error) {
	t.Helper()
	client := syncv1.NewSyncServiceClient(conn)
	_, unary = client.GetSync(t.Context(), &syncv1.GetSyncRequest{})
	stream, streamed := client.WatchSync(t.Context(), &syncv1.WatchSyncRequest{})
	for streamed == nil {
		_, streamed = stream.Recv()
	}
	return unary, streamed
}

// TestAServiceCallsWhatItsContractSays, and is refused all else by name; health is for all that have a certificate.
func TestAServiceCallsWhatItsContractSays(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	address, inside := proving(t, ca.Keys("orchestrator"))
	admitted := dialAs(t, address, ca.Keys("bridge"))
	for name, conn := range map[string]grpc.ClientConnInterface{"bridge": admitted, "inside": inside} {
		if unary, streamed := eachKind(t, conn); errs.HasCode(unary, errs.ServiceRefused) || unary != nil ||
			errs.HasCode(streamed, errs.ServiceRefused) {
			t.Errorf("%s: %v, %v", name, unary, streamed)
		}
	}
	for _, name := range []string{"directory", "orchestrator", "somebody"} {
		conn := dialAs(t, address, ca.Keys(name))
		unary, streamed := eachKind(t, conn)
		for method, err := range map[string]error{"GetSync": unary, "WatchSync": streamed} {
			e := errs.From(err)
			if e.Code.ID != "FGD_1059" || e.Code.Kind != errs.PermissionDenied || e.Meta["peer"] != name ||
				e.Meta["method"] != "fgd.sync.v1.SyncService/"+method {
				t.Errorf("%s: %s: %v %v", name, method, err, e.Meta)
			}
		}
		if _, err := grpc_health_v1.NewHealthClient(conn).
			Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
			t.Errorf("%s: health: %v", name, err)
		}
		stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
		if err == nil {
			_ = stream.CloseSend() // so that one that is admitted ends
			_, err = stream.Recv()
		}
		if !errs.HasCode(err, errs.ServiceRefused) {
			t.Errorf("%s: reflection: %v", name, err)
		}
	}
}

// TestWhoProvesNothingIsTakenByNobody, whichever end it is at: by a server that demands certificates, and by a client
// that knows whom it calls.
func TestWhoProvesNothingIsTakenByNobody(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	address, _ := proving(t, ca.Keys("orchestrator"))
	bridge := ca.Keys("bridge")
	for name, c := range map[string]struct {
		of     *certtest.CA
		change func(*x509.Certificate)
		says   string
	}{
		"another authority": {other, func(*x509.Certificate) {}, "unknown authority"},
		"expired":           {ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "FGD_5033"},
		"not yet":           {ca, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, "FGD_5034"},
		"no name":           {ca, func(c *x509.Certificate) { c.URIs = nil }, "0 URIs"},
		"two names":         {ca, func(c *x509.Certificate) { c.URIs = append(c.URIs, mtls.URI("bridge")) }, "2 URIs"},
		"a host's name": {ca, func(c *x509.Certificate) {
			c.URIs, c.DNSNames, c.IPAddresses = nil, []string{"orchestrator", "localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		}, "0 URIs"},
		"another service": {ca, func(c *x509.Certificate) { c.URIs[0] = mtls.URI("directory") }, "that of directory"},
	} {
		template := certtest.Template("orchestrator")
		c.change(template)
		pair := c.of.Issue(template)
		unary, streamed := eachKind(t, dialAs(t, posing(t, pair), bridge))
		for _, err := range []error{unary, streamed} {
			if e := errs.From(err); e.Code.Kind != errs.Unavailable || !strings.Contains(err.Error(), c.says) ||
				e.Code.ID != "FGD_5033" && e.Code.ID != "FGD_5034" || e.Meta["service"] != "orchestrator" {
				t.Errorf("%s: a client hears %v", name, err)
			}
		}
		if name == "another service" { // is one, and may call what its contract says
			continue
		}
		if err := knock(t, address, credentials.NewTLS(showing(t, ca, &pair))); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: a server says %v", name, err)
		}
	}
	for name, creds := range map[string]credentials.TransportCredentials{
		"nothing": credentials.NewTLS(showing(t, ca, nil)), "in clear": insecure.NewCredentials(),
	} {
		if err := knock(t, address, creds); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	pair := ca.Service("bridge")
	old := showing(t, ca, &pair)
	old.MaxVersion = tls.VersionTLS12
	if err := knock(t, address, credentials.NewTLS(old)); status.Code(err) != codes.Unavailable {
		t.Errorf("TLS 1.2: %v", err)
	}
	if err := knock(t, address, credentials.NewTLS(showing(t, ca, &pair))); err != nil {
		t.Errorf("one that is good: %v", err)
	}
}

// posing answers with any certificate, and demands none.
func posing(t *testing.T, pair authority.Pair) (address string) {
	t.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// showing trusts everybody, and shows any certificate.
func showing(t *testing.T, ca *certtest.CA, pair *authority.Pair) *tls.Config {
	t.Helper()
	config := &tls.Config{RootCAs: ca.Pool(), InsecureSkipVerify: true} // it is the server that has to look
	if pair != nil {
		certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	return config
}

// knock makes a call as anybody could.
func knock(t *testing.T, address string, creds credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = syncv1.NewSyncServiceClient(conn).GetSync(t.Context(), &syncv1.GetSyncRequest{})
	return err
}

// TestAServerSaysWhomItRefused, and the one that was refused says so too.
func TestAServerSaysWhomItRefused(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	log := &logged{}
	keys, err := mtls.Load(certtest.Write(t, t.TempDir(), ca.PEM(), ca.Service("orchestrator")), "orchestrator",
		slog.New(slog.NewTextHandler(log, nil)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	address, _ := proving(t, keys)
	both := append(bytes.Clone(ca.PEM()), other.PEM()...)
	stranger, err := mtls.Load(certtest.Write(t, t.TempDir(), both, other.Service("bridge")), "bridge",
		slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	unary, _ := eachKind(t, dialAs(t, address, stranger))
	if !errs.HasCode(unary, errs.ServiceUnproven) ||
		!strings.Contains(unary.Error(), "does not take the certificate of bridge") {
		t.Errorf("refused with %v", unary)
	}
	if !strings.Contains(log.String(), "a connection was refused for its certificate") ||
		!strings.Contains(log.String(), "unknown authority") {
		t.Errorf("logged %s", log.String())
	}
}

// TestCertificatesAreRenewedWhileCallsGoOn: the authority changes step by step, both ends read their files again, each
// call has a connection of its own or the one of before, and none fails.
func TestCertificatesAreRenewedWhileCallsGoOn(t *testing.T) {
	t.Parallel()
	before, after := certtest.New(t), certtest.New(t)
	both := append(bytes.Clone(before.PEM()), after.PEM()...)
	folders := map[string]string{"orchestrator": t.TempDir(), "bridge": t.TempDir()}
	keys := map[string]*mtls.Keys{}
	for name, folder := range folders {
		var err error
		if keys[name], err = mtls.Load(certtest.Write(t, folder, before.PEM(), before.Service(name)), name,
			slog.New(slog.DiscardHandler), time.Now); err != nil {
			t.Fatal(err)
		}
	}
	address, _ := proving(t, keys["orchestrator"])
	old := dialAs(t, address, keys["bridge"])
	stop, made := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(made)
		for {
			fresh, err := rpc.DialNamed("orchestrator", address, keys["bridge"], noop.NewTracerProvider())
			if err != nil {
				t.Error(err)
				return
			}
			for _, conn := range []*grpc.ClientConn{old, fresh} {
				if _, err := syncv1.NewSyncServiceClient(conn).GetSync(t.Context(), &syncv1.GetSyncRequest{}); err != nil {
					t.Errorf("a call: %v", err)
				}
			}
			_ = fresh.Close()
			select {
			case <-stop:
				return
			case made <- struct{}{}:
			}
		}
	}()
	for _, step := range []struct {
		authorities []byte
		of          *certtest.CA
	}{{before.PEM(), before}, {both, before}, {both, after}, {after.PEM(), after}} {
		for name, folder := range folders {
			certtest.Write(t, folder, step.authorities, step.of.Service(name))
			for range 20 { // calls with this state of the files
				<-made
			}
		}
	}
	close(stop)
	for range made { // to its end
	}
	certtest.Write(t, folders["orchestrator"], before.PEM(), before.Service("orchestrator"))
	if unary, _ := eachKind(t, dialAs(t, address, keys["bridge"])); !errs.HasCode(unary, errs.ServiceUnproven) {
		t.Errorf("the old authority is still taken: %v", unary)
	}
}

// TestAnRPCWithoutACallerIsNotServed.
func TestAnRPCWithoutACallerIsNotServed(t *testing.T) {
	t.Parallel()
	if _, err := rpc.NewPeers(map[string]grpc.ServiceInfo{
		"fgd.bridge.v1.SyncService": {Methods: []grpc.MethodInfo{{Name: "TriggerSync"}}},
	}, true); err == nil || !strings.Contains(err.Error(), "TriggerSync names no caller") {
		t.Errorf("got %v", err)
	}
	if _, err := rpc.NewPeers(map[string]grpc.ServiceInfo{
		"some.Service": {Methods: []grpc.MethodInfo{{Name: "Get"}}},
	}, true); err == nil {
		t.Error("one that no contract names")
	}
}
