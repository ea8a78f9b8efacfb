package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VPCPeering lets two VPCs reach each other.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric},shortName=vpcpeer
type VPCPeering struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   VPCPeeringSpec   `json:"spec,omitempty"`
	Status VPCPeeringStatus `json:"status,omitempty"`
}

// VPCPeeringStatus is written by nobody.
type VPCPeeringStatus struct{}

// VPCPeeringSpec is what may reach what.
type VPCPeeringSpec struct {
	Remote string `json:"remote,omitempty"`
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Permit []map[string]VPCPeer `json:"permit,omitempty"`
}

// VPCPeer is the subnets of one VPC that take part; all when none is named.
type VPCPeer struct {
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Subnets []string `json:"subnets,omitempty"`
}
