package ignore

// Within returns a matcher with so many steps.
func (r Rules) Within(steps int) *Matcher {
	m := r.Matcher()
	m.left = steps
	return m
}
