package hnp

// String returns the word that metrics and logs have for a reason.
func (r Reason) String() string {
	return [...]string{"unclear", "away", "refused", "denied", "gone", "changed", "forbidden", "unusable"}[r]
}
