package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VPC is a virtual private cloud: subnets that reach each other and, without a peering, nothing else.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,fabric}
type VPC struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   VPCSpec   `json:"spec,omitempty"`
	Status VPCStatus `json:"status,omitempty"`
}

// VPCStatus is written by nobody.
type VPCStatus struct{}

// VPCSpec is the subnets of a VPC and how they are kept apart.
type VPCSpec struct {
	Mode              string               `json:"mode,omitempty"`
	IPv4Namespace     string               `json:"ipv4Namespace,omitempty"`
	VLANNamespace     string               `json:"vlanNamespace,omitempty"`
	DefaultIsolated   bool                 `json:"defaultIsolated,omitempty"`
	DefaultRestricted bool                 `json:"defaultRestricted,omitempty"`
	Permit            [][]string           `json:"permit,omitempty"`
	Subnets           map[string]VPCSubnet `json:"subnets,omitempty"`
	StaticRoutes      []VPCStaticRoute     `json:"staticRoutes,omitempty"`
}

// VPCSubnet is a subnet.
type VPCSubnet struct {
	Subnet     string  `json:"subnet,omitempty"`
	Gateway    string  `json:"gateway,omitempty"`
	VLAN       int     `json:"vlan,omitempty"`
	HostBGP    bool    `json:"hostBGP,omitempty"`
	Isolated   bool    `json:"isolated,omitempty"`
	Restricted bool    `json:"restricted,omitempty"`
	DHCP       VPCDHCP `json:"dhcp,omitempty"`
}

// VPCStaticRoute is a route that nobody announces.
type VPCStaticRoute struct {
	Prefix   string   `json:"prefix,omitempty"`
	NextHops []string `json:"nextHops,omitempty"`
}

// VPCDHCP is how the machines of a subnet get their addresses: from the fabric, or by relay from somebody else.
type VPCDHCP struct {
	Enable   bool                     `json:"enable,omitempty"`
	Relay    string                   `json:"relay,omitempty"`
	RelayVPC string                   `json:"relayVPC,omitempty"`
	Range    *VPCDHCPRange            `json:"range,omitempty"`
	Options  *VPCDHCPOptions          `json:"options,omitempty"`
	Static   map[string]VPCDHCPStatic `json:"static,omitempty"`
}

// VPCDHCPRange is the addresses that are given out.
type VPCDHCPRange struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

// VPCDHCPOptions is what machines are told together with their address.
type VPCDHCPOptions struct {
	PXEURL              string                   `json:"pxeURL,omitempty"`
	DNSServers          []string                 `json:"dnsServers,omitempty"`
	TimeServers         []string                 `json:"timeServers,omitempty"`
	InterfaceMTU        int                      `json:"interfaceMTU"`
	LeaseTimeSeconds    int32                    `json:"leaseTimeSeconds"`
	DisableDefaultRoute bool                     `json:"disableDefaultRoute,omitempty"`
	AdvertisedRoutes    []VPCDHCPAdvertisedRoute `json:"advertisedRoutes,omitempty"`
}

// VPCDHCPAdvertisedRoute is a route that machines are told of.
type VPCDHCPAdvertisedRoute struct {
	Destination string `json:"destination,omitempty"`
	Gateway     string `json:"gateway,omitempty"`
}

// VPCDHCPStatic is the address of one machine.
type VPCDHCPStatic struct {
	IP string `json:"ip"`
}
