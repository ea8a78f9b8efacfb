// Package schema judges documents by custom resource definitions, as a Kubernetes API server would on create: prune,
// default, validate, metadata rules, list types, CEL rules. Most documents are plainly right, and a check compiled from
// the same structural schema says so quickly; whatever it is not certain of, the Kubernetes validators decide. Nothing
// across documents is checked: that is what the admission webhooks of a cluster do.
package schema
