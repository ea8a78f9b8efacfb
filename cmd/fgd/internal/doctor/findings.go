package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	percent = 100
	// People mend comments too: only from this share of the commits on they are worth a word.
	noteworthyText = 10
	// As often as nobody does by hand.
	noteworthyRewrites = 3
)

// Conclude says what of the figures is noteworthy.
func (r *Report) Conclude() {
	r.Findings = slices.Concat([]Finding{}, r.aboutHistory(), r.aboutHead(), r.aboutSync())
}

func share(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return part * percent / whole
}

func (r *Report) aboutHistory() []Finding {
	var found []Finding
	h := &r.History
	if h.TimesOnly > 0 {
		found = append(found, Finding{
			fmt.Sprintf("%d of %d commits (%d %%) change nothing but times.", h.TimesOnly, h.Commits,
				share(h.TimesOnly, h.Commits)),
			"A program writes the time of its run into files and commits them although nothing has changed. Real changes " +
				"drown, and every reader of the repository starts over.",
			"A sync that finds nothing to change makes no commit, and writes no time of its own into files in managed/. Stop " +
				"the program that does, or let it write elsewhere.",
		})
	}
	if share(h.TextOnly, h.Commits) >= noteworthyText {
		found = append(found, Finding{
			fmt.Sprintf("%d of %d commits (%d %%) change comments or layout only.", h.TextOnly, h.Commits,
				share(h.TextOnly, h.Commits)),
			"Files are written anew in another form: other comments, quotes, indentation or order of keys. Differences show " +
				"what nobody changed.",
			"A sync changes the bytes that have to change and keeps comments, order and quotes as people wrote them.",
		})
	}
	often := slices.DeleteFunc(slices.Clone(h.Rewritten),
		func(f Rewritten) bool { return f.WithoutMeaning < noteworthyRewrites })
	if len(often) > 0 {
		found = append(found, Finding{
			fmt.Sprintf("%d of %d rewrites of files change no meaning; %s most often, %d times.", h.RewritesWithoutMeaning,
				h.Rewrites, often[0].Path, often[0].WithoutMeaning),
			"The same content was committed again and again.",
			"A sync leaves a file alone that means what it should mean.",
		})
	}
	return found
}

func (r *Report) aboutHead() []Finding {
	var found []Finding
	if n := len(r.Head.Duplicates); n > 0 {
		d := r.Head.Duplicates[0]
		found = append(found, Finding{
			fmt.Sprintf("%s described by more than one document, for example %s %s/%s in %s.",
				counted(n, "resource is", "resources are"), d.Kind, d.Namespace, d.Name, strings.Join(d.Files, ", ")),
			"Which of them counts depends on who reads the directory, and a change of the other one is lost.",
			"Each resource gets one file. Documents that mean the same are dropped; one in raw/ wins over the managed one " +
				"(on_conflict); of two that wait and differ both go to unmanaged/ (FGD_1005).",
		})
	}
	if n := len(r.Head.Mixed); n > 0 {
		m := r.Head.Mixed[0]
		var versions []string
		for _, version := range slices.Sorted(maps.Keys(m.Versions)) {
			versions = append(versions, fmt.Sprintf("%d of %s", m.Versions[version], version))
		}
		found = append(found, Finding{
			fmt.Sprintf("%s documents of several API versions, for example %s: %s.", counted(n, "kind has", "kinds have"),
				m.Kind, strings.Join(versions, ", ")),
			"A cluster serves some versions only and refuses the others.",
			"A document of an older version that waits is rewritten to the served one when it loses no field " +
				"(upgrade_api_versions); one in managed/ is reported and stays (FGD_1009).",
		})
	}
	if n := r.Head.InvalidFiles + r.Head.WarnedFiles; n > 0 {
		var codes []string
		for _, code := range r.Head.Codes {
			codes = append(codes, fmt.Sprintf("%s in %d", code.Code, code.Files))
		}
		found = append(found, Finding{
			fmt.Sprintf("%d of %d files are invalid, and there are warnings about %d more: %s.", r.Head.InvalidFiles,
				r.Head.Files, r.Head.WarnedFiles, strings.Join(codes, ", ")),
			"They can't be read, or a cluster would refuse them or drop a part of them.",
			"Good documents go to managed/. Bad ones that wait go to unmanaged/ byte for byte, with the reason; a bad file " +
				"in managed/ is reported and stays. fgd validate names every place.",
		})
	}
	if n := r.Head.Quarantined; n > 0 {
		found = append(found, Finding{
			fmt.Sprintf("%s in quarantine.", counted(n, "file is", "files are")),
			"What they wish for is not in managed/, and so not in a network.",
			"fgd quarantine list says why each is there. Mend it where it is, or move it to raw/: the next sync takes it.",
		})
	}
	return found
}

func (r *Report) aboutSync() []Finding {
	switch {
	case r.Sync.State != "completed":
		return []Finding{{
			"A sync would fail: " + strings.Join(r.Sync.Errors, " "), "Nothing would be committed.",
			"The error above names what to do.",
		}}
	case r.Sync.Quarantines > 0:
		return []Finding{{
			fmt.Sprintf("A sync would move %s to unmanaged/.", counted(r.Sync.Quarantines, "document or file",
				"documents or files")),
			"They are no resources of a fabric, or not valid.",
			"Nothing is lost: they keep their bytes. fgd quarantine list says why each is there; fgd sync --dry-run shows " +
				"all of it before.",
		}}
	}
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
