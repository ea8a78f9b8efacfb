package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IPv4Namespace is a set of addresses; VPCs of one namespace never overlap.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric},shortName=ipns
type IPv4Namespace struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   IPv4NamespaceSpec   `json:"spec,omitempty"`
	Status IPv4NamespaceStatus `json:"status,omitempty"`
}

// IPv4NamespaceStatus is written by nobody.
type IPv4NamespaceStatus struct{}

// IPv4NamespaceSpec is the addresses of a namespace.
type IPv4NamespaceSpec struct {
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Subnets []string `json:"subnets,omitempty"`
}
