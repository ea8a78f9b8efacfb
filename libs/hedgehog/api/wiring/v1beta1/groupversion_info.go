// Package v1beta1 has the resources of the physical wiring: switches, servers and what connects them.
//
// +kubebuilder:object:generate=false
// +groupName=wiring.githedgehog.com
// +versionName=v1beta1
package v1beta1
