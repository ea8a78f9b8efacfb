package plan

// hold notes which resources an item held before it became unreadable, and reports whether it held any.
func (p *planner) hold(item *Item) bool {
	held := p.held[unread{item.File, item.Doc}]
	for _, h := range held {
		g := p.group(h.Number, h.ID, h.Plural)
		item.holds = append(item.holds, g)
		if item.Outcome == Stays && (g.held == nil || h.Listed && !g.listed) { // what was there is more than a path
			g.held, g.apiVersion, g.listed = item, h.APIVersion, h.Listed
		}
	}
	if len(held) > 0 && item.Outcome == Stays {
		item.Reason = held[0].Finding()
	}
	return len(held) > 0
}

// decideHeld quarantines what can't be read when all that it held has another document: so a newer wish takes its
// place, and there are never two files for one resource.
func (p *planner) decideHeld() {
	if len(p.held) == 0 {
		return
	}
	for _, item := range p.items {
		if len(item.holds) == 0 || item.Outcome != Stays {
			continue
		}
		superseded := true
		for _, g := range item.holds {
			superseded = superseded && g.winner != nil
		}
		if superseded {
			item.Outcome, item.Reason = Quarantined, p.held[unread{item.File, item.Doc}][0].Superseded()
		}
	}
}

// keepsHeld reports whether the resource is still there in a file that can't be read.
func (g *group) keepsHeld() bool { return g.listed && g.held != nil && g.held.Outcome == Stays }
