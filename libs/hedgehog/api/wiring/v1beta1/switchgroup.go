package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SwitchGroup names a set of switches that belong together, for example a redundancy pair.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=sg
type SwitchGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SwitchGroupSpec   `json:"spec,omitempty"`
	Status SwitchGroupStatus `json:"status,omitempty"`
}

// SwitchGroupStatus is written by nobody.
type SwitchGroupStatus struct{}

// SwitchGroupSpec is empty: a group is known by its name alone.
type SwitchGroupSpec struct{}
