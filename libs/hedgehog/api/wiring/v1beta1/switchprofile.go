package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SwitchProfile is what switches of one make can do.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories={hedgehog,wiring,fabric},shortName=sp
type SwitchProfile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SwitchProfileSpec   `json:"spec,omitempty"`
	Status SwitchProfileStatus `json:"status,omitempty"`
}

// SwitchProfileStatus is written by nobody.
type SwitchProfileStatus struct{}

// SwitchProfileSpec is the names, features and ports of a make of switches.
type SwitchProfileSpec struct {
	DisplayName   string                               `json:"displayName,omitempty"`
	OtherNames    []string                             `json:"otherNames,omitempty"`
	SwitchSilicon string                               `json:"switchSilicon,omitempty"`
	Platform      string                               `json:"platform,omitempty"`
	NOSType       string                               `json:"nosType,omitempty"`
	Notes         string                               `json:"notes,omitempty"`
	MaxPorts      int                                  `json:"maxPorts,omitempty"`
	Features      SwitchProfileFeatures                `json:"features,omitempty"`
	Config        SwitchProfileConfig                  `json:"config,omitempty"`
	Ports         map[string]SwitchProfilePort         `json:"ports,omitempty"`
	PortGroups    map[string]SwitchProfilePortGroup    `json:"portGroups,omitempty"`
	PortProfiles  map[string]SwitchProfilePortProfile  `json:"portProfiles,omitempty"`
	Pipelines     map[string]SwitchProfilePortPipeline `json:"pipelines,omitempty"`
}

// SwitchProfileFeatures states what a switch can do.
type SwitchProfileFeatures struct {
	Subinterfaces bool `json:"subinterfaces,omitempty"`
	ACLs          bool `json:"acls,omitempty"`
	L2VNI         bool `json:"l2vni,omitempty"`
	L3VNI         bool `json:"l3vni,omitempty"`
	RoCE          bool `json:"roce,omitempty"`
	MCLAG         bool `json:"mclag,omitempty"`
	ESLAG         bool `json:"eslag,omitempty"`
	ECMPRoCEQPN   bool `json:"ecmpRoCEQPN,omitempty"`
}

// SwitchProfileConfig is limits that the configuration of a switch has to keep.
type SwitchProfileConfig struct {
	MaxPathsEBGP int32 `json:"maxPathsEBGP,omitempty"`
}

// SwitchProfilePort is a port: its name for the operating system, and what it belongs to.
type SwitchProfilePort struct {
	NOSName         string `json:"nos,omitempty"`
	BaseNOSName     string `json:"baseNOSName,omitempty"`
	ONIEPortName    string `json:"oniePortName,omitempty"`
	Label           string `json:"label,omitempty"`
	Group           string `json:"group,omitempty"`
	Profile         string `json:"profile,omitempty"`
	Pipeline        string `json:"pipeline,omitempty"`
	ManagementPlane bool   `json:"management,omitempty"`
}

// SwitchProfilePortGroup is ports that share one speed.
type SwitchProfilePortGroup struct {
	NOSName string `json:"nos,omitempty"`
	Profile string `json:"profile,omitempty"`
}

// SwitchProfilePortProfile is how a kind of port can be set.
type SwitchProfilePortProfile struct {
	Speed          *SwitchProfilePortSpeed    `json:"speed,omitempty"`
	Breakout       *SwitchProfilePortBreakout `json:"breakout,omitempty"`
	AutoNegAllowed bool                       `json:"autoNegAllowed,omitempty"`
	AutoNegDefault bool                       `json:"autoNegDefault,omitempty"`
}

// SwitchProfilePortSpeed is the speeds of a port.
type SwitchProfilePortSpeed struct {
	Default   string   `json:"default,omitempty"`
	Supported []string `json:"supported,omitempty"`
}

// SwitchProfilePortBreakout is the ways to break a port up.
type SwitchProfilePortBreakout struct {
	Default   string                                  `json:"default,omitempty"`
	Supported map[string]SwitchProfileBreakoutOffsets `json:"supported,omitempty"`
}

// SwitchProfileBreakoutOffsets is where the parts of a broken up port begin.
type SwitchProfileBreakoutOffsets struct {
	Offsets []string `json:"offsets,omitempty"`
}

// SwitchProfilePortPipeline is a part of the silicon that serves so many ports.
type SwitchProfilePortPipeline struct {
	MaxPorts int `json:"maxPorts,omitempty"`
}
