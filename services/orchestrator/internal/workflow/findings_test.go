package workflow

import (
	"fmt"
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// TestFindingsAreNotDrowned: a code that is everywhere leaves room for others, and what is not listed is counted.
func TestFindingsAreNotDrowned(t *testing.T) {
	t.Parallel()
	counted, listed := findings{}, map[string]int{}
	add := func(code errs.Code, number int) {
		for range number {
			if counted.admit(errs.NewFinding(code, reportv1.Severity_SEVERITY_WARNING, "x"), total(listed)) {
				listed[code.ID]++
			}
		}
	}
	add(errs.UnknownField, maxOfCode+10)
	add(errs.ReferenceMissing, 3)
	add(errs.FindingsCut, 2)
	counted.complete([]*ingestionv1.FindingCount{{
		Severity: reportv1.Severity_SEVERITY_WARNING, Code: errs.UnknownField.ID, Name: errs.UnknownField.Name,
		Number: maxOfCode + 40,
	}})
	lists := map[string]int{"FGD_1008": maxOfCode, "FGD_1015": 3, "FGD_1027": 2}
	if fmt.Sprint(listed) != fmt.Sprint(lists) {
		t.Errorf("listed %v", listed)
	}
	want := fmt.Sprintf("FGD_1008 UNKNOWN_FIELD was found %d times; 40 of them are not listed.", maxOfCode+40)
	if cut := counted.cut(); len(cut) != 1 || cut[0].GetCode() != errs.FindingsCut.ID || cut[0].GetMessage() != want {
		t.Errorf("%v", cut)
	}
}

// TestFindingsAreBounded: however many codes there are.
func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	counted, listed := findings{}, 0
	for n := range 3 * maxListed {
		code := errs.Code{ID: fmt.Sprint(n % 30), Name: "X"}
		if counted.admit(errs.NewFinding(code, reportv1.Severity_SEVERITY_ERROR, "x"), listed) {
			listed++
		}
	}
	if listed != maxListed || len(counted.cut()) != 30 {
		t.Errorf("%d listed, %d codes cut", listed, len(counted.cut()))
	}
}

func total(listed map[string]int) int {
	sum := 0
	for _, n := range listed {
		sum += n
	}
	return sum
}

// TestWarningsByWeight: what is about several resources comes first, what is not listed last, and the rest stays in its
// order.
func TestWarningsByWeight(t *testing.T) {
	t.Parallel()
	var list []*reportv1.Finding
	for _, code := range []errs.Code{
		errs.FindingsCut, errs.UnknownField, errs.PortConflict, errs.ServerFields, errs.ReferenceMissing,
	} {
		list = append(list, errs.NewFinding(code, reportv1.Severity_SEVERITY_WARNING, "x"))
	}
	sortWarnings(list)
	var got []string
	for _, f := range list {
		got = append(got, f.GetCode())
	}
	if want := []string{"FGD_1016", "FGD_1015", "FGD_1008", "FGD_1025", "FGD_1027"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
