// Package yamldoc reads YAML streams that people wrote and nobody vouches for. It cuts a stream into documents by
// bytes, parses each one alone into a node tree, holds it to limits, and decodes its values as a Kubernetes API server
// would. Invariants: every byte of content is in exactly one document, anchors never cross documents, and no
// input costs more than the limits allow. Values are text, bool, int64, float64, nil, maps and slices; what a cluster
// can't represent (.inf, .nan, complex keys) is refused.
package yamldoc
