package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GatewayGroup names a set of gateways that stand in for each other.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,hedgehog-gateway},shortName=gwgr
type GatewayGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   GatewayGroupSpec   `json:"spec,omitempty"`
	Status GatewayGroupStatus `json:"status,omitempty"`
}

// GatewayGroupStatus is written by nobody.
type GatewayGroupStatus struct{}

// GatewayGroupSpec is empty: a group is known by its name alone.
type GatewayGroupSpec struct{}
