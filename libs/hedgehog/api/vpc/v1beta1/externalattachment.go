package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ExternalAttachment attaches an external network to the fabric by a connection.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric,external},shortName=extattach
type ExternalAttachment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExternalAttachmentSpec   `json:"spec"`
	Status ExternalAttachmentStatus `json:"status,omitempty"`
}

// ExternalAttachmentStatus is written by nobody.
type ExternalAttachmentStatus struct{}

// ExternalAttachmentSpec is the two ends of the attachment.
type ExternalAttachmentSpec struct {
	External   string                     `json:"external,omitempty"`
	Connection string                     `json:"connection,omitempty"`
	Switch     ExternalAttachmentSwitch   `json:"switch"`
	Neighbor   ExternalAttachmentNeighbor `json:"neighbor"`
	Static     *ExternalAttachmentStatic  `json:"static,omitempty"`
	InboundACL *InboundACL                `json:"inboundACL,omitempty"`
}

// ExternalAttachmentSwitch is the fabric's end.
type ExternalAttachmentSwitch struct {
	IP   string `json:"ip,omitempty"`
	VLAN int    `json:"vlan,omitempty"`
}

// ExternalAttachmentNeighbor is the other end.
type ExternalAttachmentNeighbor struct {
	IP  string `json:"ip,omitempty"`
	ASN int32  `json:"asn,omitempty"`
}

// ExternalAttachmentStatic is an attachment without a routing protocol.
type ExternalAttachmentStatic struct {
	IP       string `json:"ip,omitempty"`
	RemoteIP string `json:"remoteIP"`
	Proxy    bool   `json:"proxy,omitempty"`
	VLAN     int    `json:"vlan,omitempty"`
}

// InboundACL is what may come in from outside.
type InboundACL struct {
	Statements []InboundACLStatement `json:"statements,omitempty"`
}

// InboundACLStatement is one rule; they are tried in the order of their numbers.
type InboundACLStatement struct {
	Seq            int            `json:"seq"`
	Action         string         `json:"action"`
	Protocol       string         `json:"protocol"`
	SrcPrefix      string         `json:"srcPrefix"`
	DstPrefix      string         `json:"dstPrefix"`
	PortRangeBegin int            `json:"portRangeBegin,omitempty"`
	PortRangeEnd   int            `json:"portRangeEnd,omitempty"`
	ICMPType       *int           `json:"icmpType,omitempty"`
	ICMPCode       *int           `json:"icmpCode,omitempty"`
	TCPFilters     *ACLTCPFilters `json:"tcpFilters,omitempty"`
}

// ACLTCPFilters is the TCP flags that have to be set or not.
type ACLTCPFilters struct {
	ACK         bool `json:"ack,omitempty"`
	Established bool `json:"established,omitempty"`
	FIN         bool `json:"fin,omitempty"`
	PSH         bool `json:"psh,omitempty"`
	RST         bool `json:"rst,omitempty"`
	SYN         bool `json:"syn,omitempty"`
	URG         bool `json:"urg,omitempty"`
	NotACK      bool `json:"notAck,omitempty"`
	NotFIN      bool `json:"notFin,omitempty"`
	NotPSH      bool `json:"notPsh,omitempty"`
	NotRST      bool `json:"notRst,omitempty"`
	NotSYN      bool `json:"notSyn,omitempty"`
	NotURG      bool `json:"notUrg,omitempty"`
}
