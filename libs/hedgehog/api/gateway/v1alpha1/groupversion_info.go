// Package v1alpha1 has the resources of gateways between virtual private clouds.
//
// +kubebuilder:object:generate=false
// +groupName=gateway.githedgehog.com
// +versionName=v1alpha1
package v1alpha1
