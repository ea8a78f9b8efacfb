package document

import "fgdsync.dev/services/ingestion/internal/schema"

// Index numbers the resources that the documents of a fabric declare, so that what is known of a resource is found by a
// number and not by four texts.
type Index struct {
	numbers map[schema.Identity]int
}

// NewIndex numbers what documents declare, in their order.
func NewIndex(files []File) Index {
	index := Index{make(map[schema.Identity]int, Documents(files))}
	for i := range files {
		for j := range files[i].Docs {
			files[i].Docs[j].Resource = index.number(files[i].Docs[j].Identity)
		}
	}
	return index
}

func (x Index) number(id schema.Identity) int {
	n, known := x.numbers[id]
	if !known {
		n = len(x.numbers)
		x.numbers[id] = n
	}
	return n
}

// Len is how many resources there are.
func (x Index) Len() int { return len(x.numbers) }

// Find gives the number of a resource.
func (x Index) Find(id schema.Identity) (int, bool) {
	n, found := x.numbers[id]
	return n, found
}

// Documents counts the documents of files.
func Documents(files []File) int {
	n := 0
	for i := range files {
		n += len(files[i].Docs)
	}
	return n
}
