package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VLANNamespace is a range of VLANs; VPCs of one namespace never share a VLAN.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=vlanns
type VLANNamespace struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   VLANNamespaceSpec   `json:"spec,omitempty"`
	Status VLANNamespaceStatus `json:"status,omitempty"`
}

// VLANNamespaceStatus is written by nobody.
type VLANNamespaceStatus struct{}

// VLANNamespaceSpec is the VLANs of a namespace.
type VLANNamespaceSpec struct {
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Ranges []VLANRange `json:"ranges,omitempty"`
}

// VLANRange is the VLANs between two numbers, both included.
type VLANRange struct {
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
}
