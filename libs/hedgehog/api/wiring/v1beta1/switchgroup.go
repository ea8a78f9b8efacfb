package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SwitchGroupSpec is empty: a group is known by its name alone.
type SwitchGroupSpec struct{}

// SwitchGroupStatus is empty.
type SwitchGroupStatus struct{}

// SwitchGroup names a set of switches that belong together, for example a redundancy pair.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type SwitchGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SwitchGroupSpec   `json:"spec,omitempty"`
	Status SwitchGroupStatus `json:"status,omitempty"`
}
