package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Switch is a switch of the fabric.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=sw
type Switch struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SwitchSpec   `json:"spec,omitempty"`
	Status SwitchStatus `json:"status,omitempty"`
}

// SwitchStatus is written by nobody.
type SwitchStatus struct{}

// SwitchSpec is how a switch is found, what it does in the fabric, and how its ports are set.
type SwitchSpec struct {
	// +kubebuilder:validation:Required
	Role               SwitchRole                `json:"role"`
	Description        string                    `json:"description,omitempty"`
	Profile            string                    `json:"profile,omitempty"`
	Boot               SwitchBoot                `json:"boot,omitempty"`
	Groups             []string                  `json:"groups,omitempty"`
	Redundancy         SwitchRedundancy          `json:"redundancy,omitempty"`
	VLANNamespaces     []string                  `json:"vlanNamespaces,omitempty"`
	ASN                int32                     `json:"asn,omitempty"`
	IP                 string                    `json:"ip,omitempty"`
	VTEPIP             string                    `json:"vtepIP,omitempty"`
	ProtocolIP         string                    `json:"protocolIP,omitempty"`
	EnableAllPorts     bool                      `json:"enableAllPorts,omitempty"`
	PortGroupSpeeds    map[string]string         `json:"portGroupSpeeds,omitempty"`
	PortSpeeds         map[string]string         `json:"portSpeeds,omitempty"`
	PortBreakouts      map[string]string         `json:"portBreakouts,omitempty"`
	PortAutoNegs       map[string]bool           `json:"portAutoNegs,omitempty"`
	PortFECs           map[string]SwitchPortFEC  `json:"portFECs,omitempty"`
	RoCE               bool                      `json:"roce,omitempty"`
	ECMP               SwitchECMP                `json:"ecmp,omitempty"`
	LinkFlapErrDisable *SwitchLinkFlapErrDisable `json:"linkFlapErrDisable,omitempty"`
}

// SwitchRole is what a switch does in the fabric.
//
// +kubebuilder:validation:Enum=spine;server-leaf;border-leaf;mixed-leaf;virtual-edge
type SwitchRole string

// SwitchPortFEC is the forward error correction of a port.
//
// +kubebuilder:validation:Enum=rs;fc;auto;disabled
type SwitchPortFEC string

// SwitchBoot is what a switch is known by when it boots: its MAC address or its serial number.
type SwitchBoot struct {
	MAC    string `json:"mac,omitempty"`
	Serial string `json:"serial,omitempty"`
}

// SwitchRedundancy is the redundancy group of a switch and how the group works.
type SwitchRedundancy struct {
	Group string             `json:"group,omitempty"`
	Type  SwitchRedundancyBy `json:"type,omitempty"`
}

// SwitchRedundancyBy is a way to be redundant.
//
// +kubebuilder:validation:Enum=mclag;eslag
type SwitchRedundancyBy string

// SwitchECMP is what equal-cost paths are chosen by.
type SwitchECMP struct {
	RoCEQPN bool `json:"roceQPN,omitempty"`
}

// SwitchLinkFlapErrDisable is when a port whose link goes up and down is switched off, and for how many seconds.
type SwitchLinkFlapErrDisable struct {
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	FlapThreshold int `json:"flapThreshold,omitempty"`
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	SamplingInterval int32 `json:"samplingInterval,omitempty"`
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65534
	RecoveryInterval int32 `json:"recoveryInterval,omitempty"`
}
