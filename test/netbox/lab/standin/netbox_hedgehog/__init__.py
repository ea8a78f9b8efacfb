"""A stand-in for the Hedgehog NetBox Plugin, for tests alone.

It was written for this project from the plugin's observable behaviour and has none of its code: the same 13 models,
fields and endpoints, and the same defects, each of which docs/netbox.md names by its number (Q1 to Q9). With
STANDIN_FIXED=1 it is what the plugin would be without them.
"""

from netbox.plugins import PluginConfig


class HedgehogConfig(PluginConfig):
    """How NetBox knows the plugin."""

    name = "netbox_hedgehog"
    verbose_name = "Hedgehog"
    description = "Stand-in for the Hedgehog NetBox Plugin"
    version = "0.2.0"
    base_url = "hedgehog"
    min_version = "4.4.7"


config = HedgehogConfig
