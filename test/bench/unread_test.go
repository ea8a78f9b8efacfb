package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/system"
)

const (
	unreadClients = 20
	unreadFiles   = 9 // of a megabyte each
	// unreadMargin is what the process may have more than at rest, and unreadPatience the time until then.
	unreadMargin   = 100 << 20
	unreadPatience = 90 * time.Second
)

// BenchmarkUnread has clients ask for all files of a directory and take nothing of the answers, by the JSON API and by
// gRPC. It measures what the process has resident at rest, at most, and how soon it is back near rest while the clients
// still hold their connections.
func BenchmarkUnread(b *testing.B) {
	built, host := programs(b), server(b)
	line := strings.Repeat("x", 99) + "\n"
	files := map[string]string{}
	for i := range unreadFiles {
		files[fmt.Sprintf("%s/notes/%d.txt", directory, i)] = fmt.Sprintf("%d\n", i) + strings.Repeat(line, 10_000)
	}
	for name, ask := range map[string]func(*testing.B, *system.System) io.Closer{"json": askJSON, "grpc": askGRPC} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				s := built.Up(b, nil)
				repository := fmt.Sprintf("%s%d.git", name, i)
				host.Create(b, repository, branch, files)
				var registered system.Accepted
				s.Call(http.MethodPost, "/api/v1/fabrics", registration(repository, host.URL(repository)), &registered)
				s.Ended(registered.SyncID)
				unread(b, s, ask)
				s.Processes["fgd"].Stop()
			}
		})
	}
}

func unread(b *testing.B, s *system.System, ask func(*testing.B, *system.System) io.Closer) {
	b.Helper()
	process := s.Processes["fgd"]
	rest := process.Resident()
	for range unreadClients {
		client := ask(b, s)
		defer func() { _ = client.Close() }()
	}
	began := time.Now()
	looks := time.NewTicker(100 * time.Millisecond) // the kernel gives no signal
	defer looks.Stop()
	after := process.Resident()
	for after > rest+unreadMargin && time.Since(began) < unreadPatience {
		<-looks.C
		after = process.Resident()
	}
	b.ReportMetric(float64(rest)/(1<<20), "rest-MiB")
	b.ReportMetric(float64(process.Memory())/(1<<20), "peak-MiB")
	b.ReportMetric(float64(after)/(1<<20), "after-MiB")
	b.ReportMetric(time.Since(began).Seconds(), "back-s")
	if after > rest+unreadMargin {
		b.Errorf("%d MiB more than at rest after %s", (after-rest)>>20, unreadPatience)
	}
}

// askJSON returns the connection of a client that has seen the first byte of its answer.
func askJSON(b *testing.B, s *system.System) io.Closer {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/v1/fabrics/1/files?include_content=true HTTP/1.1\r\nHost: localhost\r\n"+
		"Authorization: Bearer %s\r\n\r\n", s.Token())
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	return conn
}

// askGRPC returns the connection of a client that has seen the header of its answer.
func askGRPC(b *testing.B, s *system.System) io.Closer {
	b.Helper()
	conn := s.Dial(b)
	stream, err := conn.NewStream(b.Context(), &grpc.StreamDesc{ServerStreams: true},
		bridgev1.DirectoryService_ListFiles_FullMethodName)
	if err != nil {
		b.Fatal(err)
	}
	if err := stream.SendMsg(&bridgev1.ListFilesRequest{FabricId: 1, IncludeContent: true}); err != nil {
		b.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		b.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		b.Fatal(err)
	}
	return conn
}
