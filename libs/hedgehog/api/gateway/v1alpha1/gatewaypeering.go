package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GatewayPeering lets VPCs reach each other through gateways.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,hedgehog-gateway},shortName=gwpeer
type GatewayPeering struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   GatewayPeeringSpec   `json:"spec,omitempty"`
	Status GatewayPeeringStatus `json:"status,omitempty"`
}

// GatewayPeeringStatus is written by nobody.
type GatewayPeeringStatus struct{}

// GatewayPeeringSpec is what each VPC shows to the others, and what of it may pass.
type GatewayPeeringSpec struct {
	GatewayGroup string                           `json:"gatewayGroup,omitempty"`
	Peering      map[string]*GatewayPeeringExpose `json:"peering,omitempty"`
	ACL          *GatewayACL                      `json:"acl,omitempty"`
}

// GatewayPeeringExpose is what a VPC shows.
type GatewayPeeringExpose struct {
	Expose []GatewayExposed `json:"expose,omitempty"`
}

// GatewayExposed is addresses, and as what they are seen.
type GatewayExposed struct {
	Default bool               `json:"default,omitempty"`
	IPs     []GatewayExposedIP `json:"ips,omitempty"`
	As      []GatewayExposedAs `json:"as,omitempty"`
	NAT     *GatewayNAT        `json:"nat,omitempty"`
}

// GatewayExposedIP is addresses of the VPC.
type GatewayExposedIP struct {
	CIDR      string `json:"cidr,omitempty"`
	Not       string `json:"not,omitempty"`
	VPCSubnet string `json:"vpcSubnet,omitempty"`
}

// GatewayExposedAs is the addresses that others see.
type GatewayExposedAs struct {
	CIDR string `json:"cidr,omitempty"`
	Not  string `json:"not,omitempty"`
}

// GatewayNAT is how addresses are translated: one field is set.
type GatewayNAT struct {
	Masquerade  *GatewayMasquerade  `json:"masquerade,omitempty"`
	PortForward *GatewayPortForward `json:"portForward,omitempty"`
	Static      *GatewayStaticNAT   `json:"static,omitempty"`
}

// GatewayMasquerade hides many addresses behind few.
type GatewayMasquerade struct {
	IdleTimeout string `json:"idleTimeout,omitempty"`
}

// GatewayPortForward leads ports inwards.
type GatewayPortForward struct {
	IdleTimeout string                 `json:"idleTimeout,omitempty"`
	Ports       []GatewayForwardedPort `json:"ports,omitempty"`
}

// GatewayForwardedPort is ports and as what they are seen.
type GatewayForwardedPort struct {
	// +kubebuilder:validation:Enum=tcp;udp;""
	Proto string `json:"proto,omitempty"`
	Port  string `json:"port,omitempty"`
	As    string `json:"as,omitempty"`
}

// GatewayStaticNAT translates one to one.
type GatewayStaticNAT struct{}

// GatewayACL is rules, and what becomes of what none fits.
type GatewayACL struct {
	// +kubebuilder:validation:Enum=deny;deny-unless-exposed;""
	Default string           `json:"default"`
	Rules   []GatewayACLRule `json:"rules,omitempty"`
}

// GatewayACLRule is one rule.
type GatewayACLRule struct {
	Name string `json:"name,omitempty"`
	// +kubebuilder:validation:Enum=deny;allow
	Action string `json:"action"`
	// +kubebuilder:validation:Enum=flow;packet;""
	Scope string          `json:"scope,omitempty"`
	From  string          `json:"from,omitempty"`
	To    string          `json:"to,omitempty"`
	Match GatewayACLMatch `json:"match,omitempty"`
	Log   bool            `json:"log,omitempty"`
}

// GatewayACLMatch is what a rule fits.
type GatewayACLMatch struct {
	Proto string               `json:"proto,omitempty"`
	Src   []GatewayACLEndpoint `json:"src,omitempty"`
	Dst   []GatewayACLEndpoint `json:"dst,omitempty"`
}

// GatewayACLEndpoint is addresses and ports.
type GatewayACLEndpoint struct {
	CIDR      string   `json:"cidr,omitempty"`
	VPCSubnet string   `json:"vpcSubnet,omitempty"`
	Ports     []string `json:"ports,omitempty"`
}
