package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ExternalPeering lets a VPC and an external network reach each other.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric,external},shortName=extpeering;extpeer
type ExternalPeering struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExternalPeeringSpec   `json:"spec,omitempty"`
	Status ExternalPeeringStatus `json:"status,omitempty"`
}

// ExternalPeeringStatus is written by nobody.
type ExternalPeeringStatus struct{}

// ExternalPeeringSpec is what may reach what.
type ExternalPeeringSpec struct {
	Permit ExternalPeeringPermit `json:"permit,omitempty"`
}

// ExternalPeeringPermit is the two sides of a peering.
type ExternalPeeringPermit struct {
	VPC      ExternalPeeringVPC      `json:"vpc,omitempty"`
	External ExternalPeeringExternal `json:"external,omitempty"`
}

// ExternalPeeringVPC is the side of the VPC.
type ExternalPeeringVPC struct {
	Name    string   `json:"name,omitempty"`
	Subnets []string `json:"subnets,omitempty"`
}

// ExternalPeeringExternal is the side of the external network.
type ExternalPeeringExternal struct {
	Name     string                  `json:"name,omitempty"`
	Prefixes []ExternalPeeringPrefix `json:"prefixes,omitempty"`
}

// ExternalPeeringPrefix is a range of addresses.
type ExternalPeeringPrefix struct {
	Prefix string `json:"prefix,omitempty"`
}
