// Package v1beta1 has the resources of virtual private clouds and of what they reach outside.
//
// +kubebuilder:object:generate=false
// +groupName=vpc.githedgehog.com
// +versionName=v1beta1
package v1beta1
