"""A fabric, and the twelve kinds of resources in it."""

import json
import os
import re

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from netbox.models import NetBoxModel

from . import choices

FIXED = os.environ.get("STANDIN_FIXED") == "1"
NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
LONGEST_NAME = 253


class HedgehogFabric(NetBoxModel):
    """A fabric, and what is known of its cluster."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=choices.FabricStatus, default="planned")
    connection_status = models.CharField(max_length=20, choices=choices.ConnectionStatus, default="unknown")
    sync_status = models.CharField(max_length=20, choices=choices.SyncStatus, default="never_synced")
    kubernetes_server = models.CharField(max_length=255, blank=True)
    kubernetes_token = models.TextField(blank=True)
    kubernetes_ca_cert = models.TextField(blank=True)
    kubernetes_namespace = models.CharField(max_length=253, default="default")
    sync_enabled = models.BooleanField(default=True)
    sync_interval = models.PositiveIntegerField(default=300)
    last_sync = models.DateTimeField(null=True, blank=True)
    sync_error = models.TextField(blank=True)
    connection_error = models.TextField(blank=True)
    cached_crd_count = models.PositiveIntegerField(default=0)
    cached_vpc_count = models.PositiveIntegerField(default=0)
    cached_connection_count = models.PositiveIntegerField(default=0)
    connections_count = models.PositiveIntegerField(default=0)
    servers_count = models.PositiveIntegerField(default=0)
    switches_count = models.PositiveIntegerField(default=0)
    vpcs_count = models.PositiveIntegerField(default=0)

    class Meta:
        """Fabrics alone are in an order."""

        ordering = ["name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        """Return the address of the fabric's page."""
        return reverse("plugins:netbox_hedgehog:fabric_detail", args=[self.pk])


class Resource(NetBoxModel):
    """What a custom resource is as a record."""

    fabric = models.ForeignKey(HedgehogFabric, on_delete=models.CASCADE)
    name = models.CharField(max_length=LONGEST_NAME)
    namespace = models.CharField(max_length=LONGEST_NAME, default="default")
    spec = models.JSONField()
    labels = models.JSONField(default=dict, blank=True)
    annotations = models.JSONField(default=dict, blank=True)
    kubernetes_status = models.CharField(max_length=20, choices=choices.KubernetesStatus, default="unknown")
    kubernetes_uid = models.CharField(max_length=36, blank=True)
    kubernetes_resource_version = models.CharField(max_length=50, blank=True)
    last_applied = models.DateTimeField(null=True, blank=True)
    last_synced = models.DateTimeField(null=True, blank=True)
    sync_error = models.TextField(blank=True)
    auto_sync = models.BooleanField(default=True)

    class Meta:
        """The kinds do not inherit this (Q1), unless they are fixed."""

        abstract = True
        ordering = ["namespace", "name"]

    def __str__(self):
        return f"{self.name} ({self.fabric.name})"

    def get_absolute_url(self):
        """Return the address of the record's page, which some kinds do not have (Q2)."""
        return reverse(f"plugins:netbox_hedgehog:{self._meta.model_name}", args=[self.pk])

    def clean(self):
        """Hold names against Kubernetes' rule, without dots (Q6), and read JSON that came as text."""
        super().clean()
        for field in ("name", "namespace"):
            if not NAME.match(getattr(self, field) or ""):
                raise ValidationError({field: "Enter a valid Kubernetes name: lower-case letters, digits and '-'."})
        for field in ("spec", "labels", "annotations"):
            value = getattr(self, field)
            if isinstance(value, str):
                try:
                    setattr(self, field, json.loads(value))
                except json.JSONDecodeError as error:
                    raise ValidationError({field: "Enter valid JSON."}) from error


def kind(name):
    """Return the model of a kind. Its Meta inherits nothing, so that there is no order (Q1)."""
    meta = type("Meta", (Resource.Meta,), {"abstract": False}) if FIXED else type("Meta", (), {})
    return type(name, (Resource,), {"__module__": __name__, "__doc__": f"Records of kind {name}.", "Meta": meta})


VPC = kind("VPC")
External = kind("External")
ExternalAttachment = kind("ExternalAttachment")
ExternalPeering = kind("ExternalPeering")
IPv4Namespace = kind("IPv4Namespace")
VPCAttachment = kind("VPCAttachment")
VPCPeering = kind("VPCPeering")
Connection = kind("Connection")
Server = kind("Server")
Switch = kind("Switch")
SwitchGroup = kind("SwitchGroup")
VLANNamespace = kind("VLANNamespace")

# Endpoints of the kinds.
KINDS = {
    "vpcs": VPC,
    "externals": External,
    "external-attachments": ExternalAttachment,
    "external-peerings": ExternalPeering,
    "ipv4-namespaces": IPv4Namespace,
    "vpc-attachments": VPCAttachment,
    "vpc-peerings": VPCPeering,
    "connections": Connection,
    "servers": Server,
    "switches": Switch,
    "switch-groups": SwitchGroup,
    "vlan-namespaces": VLANNamespace,
}
