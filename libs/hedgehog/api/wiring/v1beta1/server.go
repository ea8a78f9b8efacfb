package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Server is a machine that is attached to the fabric.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=srv
type Server struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ServerSpec   `json:"spec,omitempty"`
	Status ServerStatus `json:"status,omitempty"`
}

// ServerStatus is written by nobody.
type ServerStatus struct{}

// ServerSpec describes a server.
type ServerSpec struct {
	Description string `json:"description,omitempty"`
	Profile     string `json:"profile,omitempty"`
}
