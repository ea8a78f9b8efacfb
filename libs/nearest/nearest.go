// Package nearest finds the name that somebody meant who wrote another one.
package nearest

import "slices"

// tolerance is which part of a word may be wrong: one letter in so many.
const tolerance = 3

// To returns the name that is most like a word, the first of several, and "" when none is like it.
func To(word string, names []string) string {
	best, least := "", len(word)/tolerance+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the bytes to put in, take out, change or swap with the next one to make one word of the other.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
