package console

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Sizes of a drawing, in its own units.
const (
	nodeWidth, nodeHeight = 128, 38
	gapX, gapY            = 12, 14
	rowGap                = 84
	margin                = 16
	perLine               = 8 // nodes beside each other
	// foldAbove is with how many devices servers on the same switches are drawn as one.
	foldAbove = 200
)

// drawing is a topology as layers: externals and gateways, spines, leaves, servers.
type drawing struct {
	Width, Height int
	Nodes         []*node
	Edges         []*edge
	Groups        []box // of switches that are redundant
	Folded        bool
}

// node is a device, or several servers.
type node struct {
	Key           string // by which links find it
	Text, Note    string
	Kind, Name    string // of the device; empty for several
	Namespace     string
	Class, Change string
	X, Y          int

	row    int
	group  string
	center float64 // of its neighbours above
}

// TextX returns where the words of a node are.
func (n *node) TextX() int { return n.X + nodeWidth/2 }

// NameY returns where its name is.
func (n *node) NameY() int { return n.Y + 16 }

// NoteY returns where its note is.
func (n *node) NoteY() int { return n.Y + 31 }

// edge is the links between two nodes.
type edge struct {
	Path, Class, Title, Count string
	LabelX, LabelY            int

	from, to *node
	cables   int
	names    []string
	marked   bool
}

type box struct{ X, Y, Width, Height int }

// marks say what stands out in a drawing.
type marks struct {
	vpc     map[string]bool   // Connections that a VPC is attached at
	changes map[string]string // what a sync does, by kind and name
}

// draw lays a topology out. The same topology gives the same drawing.
func draw(t *bridgev1.GetTopologyResponse, m marks) *drawing {
	d := &drawing{Folded: len(t.GetDevices()) > foldAbove}
	byKey := d.nodes(t, m)
	d.edges(t, m, byKey)
	d.place()
	d.connect()
	return d
}

func deviceKey(kind, namespace, name string) string { return kind + "/" + namespace + "/" + name }

// nodes makes the nodes, and returns each under the keys of the devices that it stands for.
func (d *drawing) nodes(t *bridgev1.GetTopologyResponse, m marks) map[string]*node {
	byKey, folded := map[string]*node{}, d.folds(t)
	for _, device := range t.GetDevices() {
		key := deviceKey(device.GetKind(), device.GetNamespace(), device.GetName())
		if several := folded[key]; several != nil {
			byKey[key] = several
			continue
		}
		n := &node{
			Key: key, Text: device.GetName(), Note: cmp.Or(device.GetRole(), strings.ToLower(device.GetKind())),
			Kind: device.GetKind(), Name: device.GetName(), Namespace: device.GetNamespace(),
			Class: strings.ToLower(device.GetKind()), Change: m.changes[device.GetKind()+"/"+device.GetName()],
			row: rowOf(device), group: device.GetRedundancyGroup(),
		}
		if device.GetMissing() {
			n.Class, n.Note = "missing", "not in the directory"
		}
		byKey[key] = n
		d.Nodes = append(d.Nodes, n)
	}
	return byKey
}

func rowOf(device *bridgev1.Device) int {
	switch {
	case device.GetKind() == "External", device.GetKind() == "Gateway":
		return 0
	case device.GetRole() == "spine":
		return 1
	case device.GetKind() == "Server":
		return 3
	}
	return 2
}

// folds returns one node for servers that are on the same switches, by the keys of the servers.
func (d *drawing) folds(t *bridgev1.GetTopologyResponse) map[string]*node {
	byKey := map[string]*node{}
	if !d.Folded {
		return byKey
	}
	on := map[string][]string{}
	for _, link := range t.GetLinks() {
		if link.GetFromKind() == "Server" {
			key := deviceKey("Server", link.GetNamespace(), link.GetFrom())
			on[key] = append(on[key], link.GetTo())
		}
	}
	several, count := map[string]*node{}, map[string]int{}
	for _, device := range t.GetDevices() {
		if device.GetKind() != "Server" {
			continue
		}
		key := deviceKey("Server", device.GetNamespace(), device.GetName())
		slices.Sort(on[key])
		switches := strings.Join(slices.Compact(on[key]), ", ")
		if several[switches] == nil {
			several[switches] = &node{
				Key: "servers/" + switches, Class: "server", row: 3, Note: "on " + cmp.Or(switches, "no switch"),
			}
			d.Nodes = append(d.Nodes, several[switches])
		}
		count[switches]++
		several[switches].Text = many(int32(min(count[switches], maxInTable)), "server", "servers")
		byKey[key] = several[switches]
	}
	return byKey
}

// edges joins the links between each two nodes.
func (d *drawing) edges(t *bridgev1.GetTopologyResponse, m marks, byKey map[string]*node) {
	type ends struct{ from, to *node }
	found := map[ends]*edge{}
	for _, link := range t.GetLinks() {
		from := byKey[deviceKey(link.GetFromKind(), link.GetNamespace(), link.GetFrom())]
		to := byKey[deviceKey(link.GetToKind(), link.GetNamespace(), link.GetTo())]
		if from == nil || to == nil || from == to {
			continue
		}
		if from.row > to.row || from.row == to.row && from.Key > to.Key {
			from, to = to, from
		}
		e := found[ends{from, to}]
		if e == nil {
			e = &edge{from: from, to: to, Class: link.GetType()}
			found[ends{from, to}] = e
			d.Edges = append(d.Edges, e)
		}
		e.cables += len(link.GetCables())
		e.names = append(e.names, link.GetConnection())
		e.marked = e.marked || m.vpc[link.GetConnection()]
	}
}

// place gives each node its place: in its row, near those that it is connected with above, redundant ones side by side.
func (d *drawing) place() {
	y := margin
	for row := range 4 {
		var nodes []*node
		for _, n := range d.Nodes {
			if n.row == row {
				nodes = append(nodes, n)
			}
		}
		if len(nodes) == 0 {
			continue
		}
		d.order(nodes)
		y = d.line(nodes, y) + rowGap
	}
	d.Height = max(y-rowGap+margin, margin)
	d.brackets()
}

// order sorts the nodes of a row.
func (d *drawing) order(nodes []*node) {
	sum, count := map[*node]float64{}, map[*node]float64{}
	for _, e := range d.Edges {
		if e.from.row < e.to.row {
			sum[e.to] += float64(e.from.X)
			count[e.to]++
		}
	}
	groups, members := map[string]float64{}, map[string]float64{}
	for _, n := range nodes {
		n.center = math.MaxInt32 // what hangs nowhere comes last
		if count[n] > 0 {
			n.center = sum[n] / count[n]
		}
		groups[n.group] += n.center
		members[n.group]++
	}
	center := func(n *node) float64 {
		if n.group == "" {
			return n.center
		}
		return groups[n.group] / members[n.group]
	}
	slices.SortStableFunc(nodes, func(a, b *node) int {
		return cmp.Or(cmp.Compare(center(a), center(b)), cmp.Compare(a.group, b.group), cmp.Compare(a.Key, b.Key))
	})
}

// line puts nodes beside each other, those that follow each other in as many lines below each other as they need, and
// returns where the last line ends.
func (d *drawing) line(nodes []*node, y int) int {
	lines := (len(nodes) + perLine - 1) / perLine
	columns := (len(nodes) + lines - 1) / lines
	width := columns*(nodeWidth+gapX) - gapX
	full := perLine*(nodeWidth+gapX) - gapX
	d.Width = full + 2*margin
	for i, n := range nodes {
		n.X = margin + (full-width)/2 + i/lines*(nodeWidth+gapX)
		n.Y = y + i%lines*(nodeHeight+gapY)
	}
	return y + lines*(nodeHeight+gapY) - gapY
}

// brackets draws a box around redundant switches that stand side by side.
func (d *drawing) brackets() {
	const room = 6
	for i := range d.Nodes {
		for _, other := range d.Nodes[i+1:] {
			a, b := d.Nodes[i], other
			if a.group == "" || a.group != b.group || a.Y != b.Y {
				continue
			}
			if a.X > b.X {
				a, b = b, a
			}
			if b.X-a.X == nodeWidth+gapX {
				d.Groups = append(d.Groups, box{a.X - room, a.Y - room, b.X - a.X + nodeWidth + 2*room, nodeHeight + 2*room})
			}
		}
	}
}

// connect draws the edges between nodes that have their places.
func (d *drawing) connect() {
	for _, e := range d.Edges {
		fromX, toX := e.from.X+nodeWidth/2, e.to.X+nodeWidth/2
		fromY, toY := e.from.Y+nodeHeight, e.to.Y
		if e.from.row == e.to.row {
			low := max(e.from.Y, e.to.Y) + nodeHeight
			e.Path = fmt.Sprintf("M%d %dC%d %d %d %d %d %d",
				fromX, fromY, fromX, low+28, toX, low+28, toX, e.to.Y+nodeHeight)
			e.LabelX, e.LabelY = (fromX+toX)/2, low+26
		} else {
			e.Path = fmt.Sprintf("M%d %dL%d %d", fromX, fromY, toX, toY)
			e.LabelX, e.LabelY = fromX+(toX-fromX)/3, fromY+(toY-fromY)/3
		}
		if e.cables > 1 {
			e.Count = fmt.Sprint(e.cables)
		}
		if e.marked {
			e.Class += " attached"
			e.from.Class += " attached"
			e.to.Class += " attached"
		}
		e.Title = fmt.Sprintf("%s – %s: %s", e.from.Text, e.to.Text, shorten(e.names))
	}
}

// shorten joins names, of which it leaves out those that would be too many.
func shorten(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
