package console

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"testing"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// large returns a topology of 1,000 devices: 8 spines, 72 leaves in pairs, and 920 servers that are on two leaves each.
func large() *bridgev1.GetTopologyResponse {
	const spines, leaves, servers = 8, 72, 920
	t := &bridgev1.GetTopologyResponse{}
	link := func(kind, fromKind, from, to string) {
		t.Links = append(t.Links, &bridgev1.Link{
			Connection: from + "--" + to, Type: kind, Namespace: "default", FromKind: fromKind, From: from,
			ToKind: "Switch", To: to, Cables: []*bridgev1.Cable{
				{FromPort: from + "/enp2s1", ToPort: to + "/E1/1"}, {FromPort: from + "/enp2s2", ToPort: to + "/E1/2"},
			},
		})
	}
	device := func(kind, role, group, format string, i int) string {
		name := fmt.Sprintf(format, i)
		t.Devices = append(t.Devices, &bridgev1.Device{
			Kind: kind, Namespace: "default", Name: name, Role: role, RedundancyGroup: group,
		})
		return name
	}
	var tops []string
	for i := range spines {
		tops = append(tops, device("Switch", "spine", "", "spine-%02d", i))
	}
	var below []string
	for i := range leaves {
		leaf := device("Switch", "server-leaf", fmt.Sprintf("mclag-%d", i/2), "leaf-%02d", i)
		for _, spine := range tops {
			link("fabric", "Switch", spine, leaf)
		}
		below = append(below, leaf)
	}
	for i := range servers {
		server := device("Server", "", "", "server-%03d", i)
		first := i % (leaves / 2) * 2
		link("mclag", "Server", server, below[first])
		link("mclag", "Server", server, below[first+1])
	}
	return t
}

// drawn returns the page of a topology.
func drawnPage(t testing.TB, topology *bridgev1.GetTopologyResponse) []byte {
	t.Helper()
	files, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := readPages(files, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return renderTopology(t, pages, topology)
}

func renderTopology(t testing.TB, pages *pages, topology *bridgev1.GetTopologyResponse) []byte {
	t.Helper()
	var page bytes.Buffer
	err := pages.render(&page, "topology", view{
		Title: "fabric", Section: "fabrics", Fabric: &fabricView{Fabric: &bridgev1.Fabric{FabricId: 1, Name: "fabric"}},
		Data: viewOfTopology(topology, marks{}, ""), visit: &visit{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// TestALargeTopologyIsSmall: of 1,000 devices a page has 60 kB, packed, and servers of a rack are one.
func TestALargeTopologyIsSmall(t *testing.T) {
	t.Parallel()
	page := drawnPage(t, large())
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(page); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("1,000 devices: %d bytes, packed %d", len(page), packed.Len())
	if packed.Len() > 60_000 || !bytes.Contains(page, []byte("25 servers")) {
		t.Errorf("%d bytes packed", packed.Len())
	}
}

// TestADrawingStaysTheSame: the same topology is drawn the same.
func TestADrawingStaysTheSame(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(drawnPage(t, large()), drawnPage(t, large())) {
		t.Error("it is drawn otherwise")
	}
}

// BenchmarkLargeTopology draws the page of 1,000 devices.
func BenchmarkLargeTopology(b *testing.B) {
	files, err := readAssets()
	if err != nil {
		b.Fatal(err)
	}
	pages, err := readPages(files, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	topology := large()
	for b.Loop() {
		renderTopology(b, pages, topology)
	}
}
