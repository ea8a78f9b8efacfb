package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// External is a network outside the fabric.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric,external},shortName=ext
type External struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExternalSpec   `json:"spec,omitempty"`
	Status ExternalStatus `json:"status,omitempty"`
}

// ExternalStatus is written by nobody.
type ExternalStatus struct{}

// ExternalSpec is how routes are exchanged with an external network.
type ExternalSpec struct {
	IPv4Namespace     string          `json:"ipv4Namespace,omitempty"`
	InboundCommunity  string          `json:"inboundCommunity,omitempty"`
	OutboundCommunity string          `json:"outboundCommunity,omitempty"`
	Static            *ExternalStatic `json:"static,omitempty"`
}

// ExternalStatic is what is reached through an external network that announces nothing.
type ExternalStatic struct {
	Prefixes []string `json:"prefixes,omitempty"`
}
