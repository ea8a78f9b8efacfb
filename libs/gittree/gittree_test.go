package gittree_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

func newClient(t *testing.T, conn grpc.ClientConnInterface) *gittree.Client {
	t.Helper()
	client, err := gittree.NewClient(conn, 100)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestWithoutAConnection: every call says what is missing.
func TestWithoutAConnection(t *testing.T) {
	t.Parallel()
	client := newClient(t, nil)
	tree := gittree.Ref{Snapshot: "s", ID: "t"}
	_, listed := client.List(t.Context(), tree)
	read := client.Read(t.Context(), "s", []string{"b"}, func([]byte) error { return nil })
	_, written := client.Write(t.Context(), tree, nil)
	for call, err := range map[string]error{"List": listed, "Read": read, "Write": written} {
		if !errs.HasCode(err, errs.ConfigurationInvalid) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// objects are contents by their ids; asking for another fails.
type objects map[string]string

func (o objects) Read(_ context.Context, _ string, blobs []string, visit func([]byte) error) error {
	for _, blob := range blobs {
		content, there := o[blob]
		if !there {
			return errors.New("no such object")
		}
		if err := visit([]byte(content)); err != nil {
			return err
		}
	}
	return nil
}

func TestReadFiles(t *testing.T) {
	t.Parallel()
	entries := []gittree.Entry{
		{Path: "one", Blob: "same", Size: 4},
		{Path: "two", Blob: "same", Size: 4, Mode: gittree.Executable},
		{Path: "large", Blob: "same", Size: 5},
		{Path: "link", Blob: "same", Size: 4, Mode: gittree.Symlink},
		{Path: "lost", Blob: "lost", Size: 4},
	}
	read := func(paths ...string) (map[string]string, error) {
		limits := map[string]int64{}
		for _, p := range paths {
			limits[p] = 4
		}
		contents, err := gittree.ReadFiles(t.Context(), objects{"same": "text"}, "s", entries, limits)
		texts := map[string]string{}
		for p, content := range contents {
			texts[p] = string(content)
		}
		return texts, err
	}
	got, err := read("one", "two", "large", "link", "nowhere")
	if want := map[string]string{"one": "text", "two": "text"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("read %v, want %v; %v", got, want, err)
	}
	if got, err := read("one", "lost"); err == nil {
		t.Errorf("read %v, and an object is lost", got)
	}
}

// pages is a connection whose every call streams the same pages.
type pages []*gitv1.ReadBlobsResponse

func (pages) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errors.New("not a stream")
}

func (p pages) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return &pageStream{left: p}, nil
}

type pageStream struct {
	grpc.ClientStream
	left pages
}

func (*pageStream) SendMsg(any) error { return nil }
func (*pageStream) CloseSend() error  { return nil }

func (s *pageStream) RecvMsg(m any) error {
	if len(s.left) == 0 {
		return errors.New("the stream broke")
	}
	m.(*gitv1.ReadBlobsResponse).Blobs = s.left[0].GetBlobs()
	s.left = s.left[1:]
	return nil
}

// TestReadKeepsTheOrder: contents come as they were asked for, and what comes out of turn is refused.
func TestReadKeepsTheOrder(t *testing.T) {
	t.Parallel()
	page := func(ids ...string) *gitv1.ReadBlobsResponse {
		out := &gitv1.ReadBlobsResponse{}
		for _, id := range ids {
			out.Blobs = append(out.Blobs, &gitv1.Blob{BlobId: id, Content: []byte(id)})
		}
		return out
	}
	for _, c := range []struct {
		answer pages
		want   string
		seen   []string
	}{
		{pages{page("a", "b"), page("c")}, "the stream broke", []string{"a", "b", "c"}},
		{pages{page("a", "c")}, "object c came out of turn", []string{"a"}},
		{pages{page("a", "b"), page("c", "d")}, "object d came out of turn", []string{"a", "b", "c"}},
	} {
		var seen []string
		err := newClient(t, c.answer).Read(t.Context(), "s", []string{"a", "b", "c"}, func(content []byte) error {
			seen = append(seen, string(content))
			return nil
		})
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if !slices.Equal(seen, c.seen) {
			t.Errorf("saw %v, want %v", seen, c.seen)
		}
	}
}
