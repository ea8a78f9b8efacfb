package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VPCAttachment lets the server at the end of a connection into a subnet of a VPC.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric},shortName=vpcattach
type VPCAttachment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   VPCAttachmentSpec   `json:"spec,omitempty"`
	Status VPCAttachmentStatus `json:"status,omitempty"`
}

// VPCAttachmentStatus is written by nobody.
type VPCAttachmentStatus struct{}

// VPCAttachmentSpec is which connection is attached to which subnet, "vpc/subnet".
type VPCAttachmentSpec struct {
	Subnet     string `json:"subnet,omitempty"`
	Connection string `json:"connection,omitempty"`
	NativeVLAN bool   `json:"nativeVLAN,omitempty"`
}
