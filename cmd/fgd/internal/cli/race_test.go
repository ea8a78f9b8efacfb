//go:build race

package cli_test

// raced is whether the program is built with the race detector, with which everything takes more memory.
const raced = true
