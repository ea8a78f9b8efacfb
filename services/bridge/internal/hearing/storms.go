package hearing

import (
	"time"

	"golang.org/x/time/rate"

	"fgdsync.dev/libs/recent"
)

const (
	// recordChanges and fabricChanges are how many changes within a minute people make of a record, and of a fabric.
	recordChanges = 4
	fabricChanges = 60
	// countedRecords is how many records are counted at the same time: those that changed last.
	countedRecords = 10_000
)

// storms count changes.
type storms struct {
	records *recent.Cache[recordOf, *rate.Limiter]
	fabrics map[int32]*rate.Limiter
}

// recordOf is a record, of a fabric of ours.
type recordOf struct {
	fabric int32
	kind   string
	record int64
}

func newStorms() (*storms, error) {
	records, err := recent.New[recordOf, *rate.Limiter](countedRecords)
	return &storms{records: records, fabrics: map[int32]*rate.Limiter{}}, err
}

// storming counts a change, and reports whether it is one too many.
func (s *storms) storming(fabric int32, c Change, now time.Time) bool {
	record := recordOf{fabric, c.Kind, c.RecordID}
	ofRecord, known := s.records.Get(record)
	if !known {
		ofRecord = perMinute(recordChanges)
		s.records.Add(record, ofRecord, 1)
	}
	if s.fabrics[fabric] == nil {
		s.fabrics[fabric] = perMinute(fabricChanges)
	}
	quiet := s.fabrics[fabric].AllowN(now, 1)
	return !ofRecord.AllowN(now, 1) || !quiet
}

func perMinute(changes int) *rate.Limiter {
	return rate.NewLimiter(rate.Every(time.Minute/time.Duration(changes)), changes)
}
