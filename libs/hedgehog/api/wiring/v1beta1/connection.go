package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Connection is a cable, or a set of cables with one purpose.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=conn
type Connection struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ConnectionSpec   `json:"spec,omitempty"`
	Status ConnectionStatus `json:"status,omitempty"`
}

// ConnectionStatus is written by nobody.
type ConnectionStatus struct{}

// ConnectionSpec has one field set, which states the purpose.
type ConnectionSpec struct {
	Unbundled      *ConnUnbundled      `json:"unbundled,omitempty"`
	Bundled        *ConnBundled        `json:"bundled,omitempty"`
	MCLAG          *ConnRedundant      `json:"mclag,omitempty"`
	ESLAG          *ConnRedundant      `json:"eslag,omitempty"`
	MCLAGDomain    *ConnMCLAGDomain    `json:"mclagDomain,omitempty"`
	Fabric         *ConnFabric         `json:"fabric,omitempty"`
	Mesh           *ConnMesh           `json:"mesh,omitempty"`
	Gateway        *ConnGateway        `json:"gateway,omitempty"`
	VPCLoopback    *ConnVPCLoopback    `json:"vpcLoopback,omitempty"`
	External       *ConnExternal       `json:"external,omitempty"`
	StaticExternal *ConnStaticExternal `json:"staticExternal,omitempty"`
}

// Port is a port of a device, "device/port".
type Port struct {
	Port string `json:"port,omitempty"`
}

// AddressedPort is a port with an address of its own.
type AddressedPort struct {
	Port string `json:"port,omitempty"`
	// +kubebuilder:validation:Pattern=`^((25[0-5]|(2[0-4]|1\d|[1-9]|)\d)\.?\b){4}/([1-2]?[0-9]|3[0-2])$`
	IP string `json:"ip,omitempty"`
}

// ServerLink is a cable between a server and a switch.
type ServerLink struct {
	Server Port `json:"server,omitempty"`
	Switch Port `json:"switch,omitempty"`
}

// SwitchLink is a cable between two switches, or from a switch to itself.
type SwitchLink struct {
	Switch1 Port `json:"switch1,omitempty"`
	Switch2 Port `json:"switch2,omitempty"`
}

// ConnUnbundled is one cable of a server.
type ConnUnbundled struct {
	Link ServerLink `json:"link,omitempty"`
	MTU  int        `json:"mtu,omitempty"`
}

// ConnBundled is several cables of a server to one switch.
type ConnBundled struct {
	Links    []ServerLink `json:"links,omitempty"`
	MTU      int          `json:"mtu,omitempty"`
	Fallback bool         `json:"fallback,omitempty"`
}

// ConnRedundant is cables of a server to several switches of one redundancy group.
type ConnRedundant struct {
	// +kubebuilder:validation:MinItems=2
	Links    []ServerLink `json:"links,omitempty"`
	MTU      int          `json:"mtu,omitempty"`
	Fallback bool         `json:"fallback,omitempty"`
}

// ConnMCLAGDomain is the cables between two switches that work as one.
type ConnMCLAGDomain struct {
	// +kubebuilder:validation:MinItems=1
	PeerLinks []SwitchLink `json:"peerLinks,omitempty"`
	// +kubebuilder:validation:MinItems=1
	SessionLinks []SwitchLink `json:"sessionLinks,omitempty"`
}

// ConnFabric is the cables between a leaf and a spine.
type ConnFabric struct {
	// +kubebuilder:validation:MinItems=1
	Links []FabricLink `json:"links,omitempty"`
}

// FabricLink is a cable between a leaf and a spine.
type FabricLink struct {
	Spine AddressedPort `json:"spine,omitempty"`
	Leaf  AddressedPort `json:"leaf,omitempty"`
}

// ConnMesh is the cables between two leaves without a spine.
type ConnMesh struct {
	// +kubebuilder:validation:MinItems=1
	Links []MeshLink `json:"links,omitempty"`
}

// MeshLink is a cable between two leaves.
type MeshLink struct {
	Leaf1 AddressedPort `json:"leaf1,omitempty"`
	Leaf2 AddressedPort `json:"leaf2,omitempty"`
}

// ConnGateway is the cables between a switch and a gateway.
type ConnGateway struct {
	// +kubebuilder:validation:MinItems=1
	Links []GatewayLink `json:"links,omitempty"`
}

// GatewayLink is a cable between a switch and a gateway.
type GatewayLink struct {
	Switch  AddressedPort `json:"switch,omitempty"`
	Gateway AddressedPort `json:"gateway,omitempty"`
}

// ConnVPCLoopback is cables from a switch to itself, for traffic between VPCs.
type ConnVPCLoopback struct {
	// +kubebuilder:validation:MinItems=1
	Links []SwitchLink `json:"links,omitempty"`
}

// ConnExternal is a cable to a network outside the fabric.
type ConnExternal struct {
	Link ExternalLink `json:"link,omitempty"`
}

// ExternalLink is the fabric's end of a cable to the outside.
type ExternalLink struct {
	Switch Port `json:"switch,omitempty"`
}

// ConnStaticExternal is a cable to a network outside that is reached by static routes.
type ConnStaticExternal struct {
	WithinVPC string             `json:"withinVPC,omitempty"`
	Link      StaticExternalLink `json:"link,omitempty"`
}

// StaticExternalLink is the fabric's end of such a cable.
type StaticExternalLink struct {
	Switch StaticExternalPort `json:"switch,omitempty"`
}

// StaticExternalPort is a port with its address, and what is reached through it.
type StaticExternalPort struct {
	Port string `json:"port,omitempty"`
	// +kubebuilder:validation:Pattern=`^((25[0-5]|(2[0-4]|1\d|[1-9]|)\d)\.?\b){4}/([1-2]?[0-9]|3[0-2])$`
	IP string `json:"ip,omitempty"`
	// +kubebuilder:validation:Pattern=`^((25[0-5]|(2[0-4]|1\d|[1-9]|)\d)\.?\b){4}$`
	NextHop string   `json:"nextHop,omitempty"`
	Subnets []string `json:"subnets,omitempty"`
	VLAN    int      `json:"vlan,omitempty"`
}
