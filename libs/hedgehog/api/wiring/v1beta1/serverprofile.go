package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServerProfile is what servers of one make have in common.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric}
type ServerProfile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ServerProfileSpec   `json:"spec,omitempty"`
	Status ServerProfileStatus `json:"status,omitempty"`
}

// ServerProfileStatus is written by nobody.
type ServerProfileStatus struct{}

// ServerProfileSpec is the network cards of a make of servers.
type ServerProfileSpec struct {
	NICs []ServerProfileNIC `json:"nics,omitempty"`
}

// ServerProfileNIC is a network card.
type ServerProfileNIC struct {
	Name  string              `json:"name,omitempty"`
	Ports []ServerProfilePort `json:"ports,omitempty"`
}

// ServerProfilePort is a port of a network card.
type ServerProfilePort struct {
	Name string `json:"name,omitempty"`
}
