package console

import (
	"strings"
	"testing"
)

const changed = `diff --git a/raw/new.yaml b/raw/new.yaml
deleted file mode 100644
index 1..0
--- a/raw/new.yaml
+++ /dev/null
@@ -1,2 +0,0 @@
-kind: VPC
-name: new
diff --git a/managed/new.yaml b/managed/new.yaml
new file mode 100644
--- /dev/null
+++ b/managed/new.yaml
@@ -0,0 +1,4 @@
+kind: VPC
+annotations:
+  hnp.githedgehog.com/fabric: "f"
+name: new
diff --git a/managed/old.yaml b/managed/old.yaml
index 1..2 100644
--- a/managed/old.yaml
+++ b/managed/old.yaml
@@ -1,4 +1,4 @@
 kind: VPC
-vlan: 1
-# old words
+vlan: 2
 name: old
`

// TestADiffIsFoldedByFile: each file has its name and its numbers, and its heads are not told twice.
func TestADiffIsFoldedByFile(t *testing.T) {
	t.Parallel()
	d := diffOf(changed, "", "", nil)
	if len(d.Files) != 3 || d.Files[2].Name != "managed/old.yaml" || d.Files[2].Added != 1 || d.Files[2].Taken != 2 ||
		d.Files[0].Lines[0].Class != "hunk" || d.Side || !d.Open() {
		t.Errorf("%+v", d)
	}
}

// TestBeforeStandsBesideAfter: what was taken beside what was put in its place.
func TestBeforeStandsBesideAfter(t *testing.T) {
	t.Parallel()
	d := diffOf(changed, "side", "", nil)
	var pairs []string
	for _, pair := range d.Files[2].Pairs() {
		pairs = append(pairs, pair.Before.Text+"|"+pair.After.Text)
	}
	want := "@@ -1,4 +1,4 @@|@@ -1,4 +1,4 @@, kind: VPC| kind: VPC,-vlan: 1|+vlan: 2,-# old words|, name: old| name: old"
	if got := strings.Join(pairs, ","); !d.Side || got != want {
		t.Errorf("%s", got)
	}
}

// TestOnlyWhatMeansSomething: files that mean the same are left out when that is asked for.
func TestOnlyWhatMeansSomething(t *testing.T) {
	t.Parallel()
	same := []string{"raw/new.yaml", "managed/new.yaml"}
	if d := diffOf(changed, "", "", same); len(d.Files) != 3 || d.Hidden != 0 {
		t.Errorf("%d files, %d hidden", len(d.Files), d.Hidden)
	}
	d := diffOf(changed, "", "1", same)
	if len(d.Files) != 1 || d.Files[0].Name != "managed/old.yaml" || d.Hidden != 2 {
		t.Errorf("%d files, %d hidden", len(d.Files), d.Hidden)
	}
}

// TestALongDiffIsCut: at its most lines, and each line at its most bytes.
func TestALongDiffIsCut(t *testing.T) {
	t.Parallel()
	d := diffOf("diff --git a/x b/x\n+"+strings.Repeat("x", 10<<20)+"\n"+strings.Repeat("+y\n", 3*maxLines), "", "", nil)
	if !d.Cut || len(d.Files[0].Lines) > maxLines || len(d.Files[0].Lines[0].Text) > maxLine+20 {
		t.Errorf("%d lines, cut %t", len(d.Files[0].Lines), d.Cut)
	}
}
