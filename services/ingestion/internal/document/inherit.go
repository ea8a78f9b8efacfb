package document

import (
	"fgdsync.dev/services/ingestion/internal/splice"
	"fgdsync.dev/services/ingestion/internal/stage"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Inherit writes the system's annotations of a managed document into the wish that replaces it. They say where and when
// the resource was ingested first; later wishes change only what they are about, so that the difference is just that.
func (r *Reader) Inherit(file *File, wish, managed *Doc) {
	if !managed.Annotated {
		return
	}
	held, err := yamldoc.Parse(managed.Bytes, r.Limits)
	if err != nil {
		return // there is nothing to be had from a broken one
	}
	root, err := yamldoc.Parse(wish.Bytes, r.Limits)
	if err != nil {
		return
	}
	_, annotations := field(held, []string{"metadata", "annotations"})
	pairs := r.annotations(file, file.number(wish))
	for i, p := range pairs {
		if value := yamldoc.Text(annotations, p.Key); value != "" {
			pairs[i] = splice.NewPair(p.Key, value)
		}
	}
	if final, _, err := r.apply(file, wish, root, pairs[:]); err == nil {
		wish.Final, wish.Blob = final, stage.BlobID(final)
	}
}
