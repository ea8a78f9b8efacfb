package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Gateway is a machine that routes, translates and filters between VPCs.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,hedgehog-gateway},shortName=gw
type Gateway struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   GatewaySpec   `json:"spec,omitempty"`
	Status GatewayStatus `json:"status,omitempty"`
}

// GatewayStatus is written by nobody.
type GatewayStatus struct{}

// GatewaySpec is the addresses of a gateway, and how it works.
type GatewaySpec struct {
	ProtocolIP        string                      `json:"protocolIP,omitempty"`
	VTEPIP            string                      `json:"vtepIP,omitempty"`
	VTEPMAC           string                      `json:"vtepMAC,omitempty"`
	VTEPMTU           int32                       `json:"vtepMTU,omitempty"`
	ASN               int32                       `json:"asn,omitempty"`
	Interfaces        map[string]GatewayInterface `json:"interfaces,omitempty"`
	Neighbors         []GatewayNeighbor           `json:"neighbors,omitempty"`
	Groups            []GatewayMembership         `json:"groups,omitempty"`
	Workers           int                         `json:"workers,omitempty"`
	FlowTableCapacity int32                       `json:"flowTableCapacity,omitempty"`
	Logs              GatewayLogs                 `json:"logs,omitempty"`
	Profiling         GatewayProfiling            `json:"profiling,omitempty"`
}

// GatewayInterface is a network interface, found by its place on the bus or its name for the kernel.
type GatewayInterface struct {
	PCI    string   `json:"pci,omitempty"`
	Kernel string   `json:"kernel,omitempty"`
	IPs    []string `json:"ips,omitempty"`
	MTU    int32    `json:"mtu,omitempty"`
}

// GatewayNeighbor is a neighbour in BGP.
type GatewayNeighbor struct {
	Source string `json:"source,omitempty"`
	IP     string `json:"ip,omitempty"`
	ASN    int32  `json:"asn,omitempty"`
}

// GatewayMembership is a group that a gateway is in, and its rank there.
type GatewayMembership struct {
	Name     string `json:"name,omitempty"`
	Priority int32  `json:"priority,omitempty"`
}

// GatewayLogs is how much is logged.
type GatewayLogs struct {
	Default   string               `json:"default,omitempty"`
	Tags      map[string]string    `json:"tags,omitempty"`
	RateLimit *GatewayLogRateLimit `json:"rateLimit,omitempty"`
}

// GatewayLogRateLimit bounds how often one line is logged.
type GatewayLogRateLimit struct {
	// +kubebuilder:validation:Minimum=0
	Burst int32 `json:"burst,omitempty"`
	// +kubebuilder:validation:Minimum=0
	ReplenishPerSecond int32 `json:"replenishPerSecond,omitempty"`
}

// GatewayProfiling is whether a gateway profiles itself.
type GatewayProfiling struct {
	Enabled bool `json:"enabled,omitempty"`
}
