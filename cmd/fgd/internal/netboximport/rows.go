package netboximport

import (
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// rowOf returns where a fabric is: what a file says counts more than what NetBox says.
func rowOf(rows []Row, fabric *bridgev1.NetBoxFabric) Row {
	row := Row{}
	i := slices.IndexFunc(rows, func(r Row) bool { return r.names(fabric) })
	if i >= 0 {
		row = rows[i]
	}
	row.Name = cmp.Or(row.Name, fabric.GetName())
	row.Repository = cmp.Or(row.Repository, fabric.GetRepositoryUrl())
	row.Branch = cmp.Or(row.Branch, fabric.GetBranch())
	row.Directory = cmp.Or(row.Directory, fabric.GetGitopsDirectory())
	return row
}

// names reports whether a row is about a fabric.
func (r Row) names(fabric *bridgev1.NetBoxFabric) bool {
	return r.Fabric == fabric.GetFabric() || r.Fabric == 0 && r.Name == fabric.GetName()
}

// matched returns an error unless each row is about one fabric of NetBox that no other is about.
func matched(rows []Row, fabrics []*bridgev1.NetBoxFabric) error {
	lines := map[int32]int{} // that name a fabric
	for _, row := range rows {
		i := slices.IndexFunc(fabrics, row.names)
		if i < 0 {
			return wrong("line %d names the fabric %s, which NetBox does not have", row.Line, row.called()).
				WithRemedy("Take the line out, or name a fabric that NetBox shows, by its number there.")
		}
		id := fabrics[i].GetFabric()
		if before := lines[id]; before != 0 {
			return wrong("lines %d and %d name the same fabric, %d", before, row.Line, id).
				WithRemedy("Leave one of the two lines.")
		}
		lines[id] = row.Line
	}
	return nil
}

func (r Row) called() string {
	if r.Fabric != 0 {
		return strconv.Itoa(int(r.Fabric))
	}
	return strconv.Quote(r.Name)
}

// Columns are those of a file that say something; fabric is a number in NetBox, and name goes instead of it.
func Columns() []string {
	return []string{"fabric", "name", "repository_url", "branch", "gitops_directory", "credentials_ref"}
}

// Read reads rows of comma-separated values, the first of which names the columns, in any order.
func Read(r io.Reader) ([]Row, error) {
	reader := csv.NewReader(r)
	reader.TrimLeadingSpace = true
	names, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, wrong("it is empty, and has no line that names columns")
	}
	if err != nil {
		return nil, unreadable(err)
	}
	at := map[string]int{}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains(Columns(), name) {
			return nil, wrong("the column %q is none that is known", name)
		}
		at[name] = i
	}
	var rows []Row
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		line, _ := reader.FieldPos(0)
		row, err := rowFrom(at, fields, line)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

func rowFrom(at map[string]int, fields []string, line int) (Row, error) {
	text := func(name string) string {
		i, is := at[name]
		if !is {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	row := Row{
		Name: text("name"), Repository: text("repository_url"), Branch: text("branch"), Directory: text("gitops_directory"),
		CredentialsRef: text("credentials_ref"), Line: line,
	}
	if number := text("fabric"); number != "" {
		id, err := strconv.ParseInt(number, 10, 32)
		if err != nil || id < 1 {
			return row, wrong("in line %d %q is no number of a fabric", line, number)
		}
		row.Fabric = int32(id)
	}
	if row.Fabric == 0 && row.Name == "" {
		return row, wrong("line %d names neither fabric nor name", line)
	}
	return row, nil
}

// unreadable is about a line that is none of comma-separated values.
func unreadable(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return wrong("line %d can't be read: %v", at.Line, at.Err).WithCause(err)
	}
	return wrong("it can't be read").WithCause(err)
}

func wrong(format string, args ...any) *errs.Error {
	return errs.New(errs.InvalidRequest, "The file of fabrics can't be used: "+format+".", args...).
		WithRemedy("Its first line has columns of these: %s.", strings.Join(Columns(), ", "))
}

// Located returns where each fabric of a NetBox is, as far as it is known. Rows that can't be meant are an error.
func Located(rows []Row, fabrics []*bridgev1.NetBoxFabric) ([]Row, error) {
	if err := matched(rows, fabrics); err != nil {
		return nil, err
	}
	located := make([]Row, len(fabrics))
	for i, fabric := range fabrics {
		located[i] = rowOf(rows, fabric)
		located[i].Fabric = fabric.GetFabric()
	}
	return located, nil
}
