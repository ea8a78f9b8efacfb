"""The menu."""

from netbox.plugins import PluginMenu, PluginMenuButton, PluginMenuItem

menu = PluginMenu(
    label="FGD Sync",
    icon_class="mdi mdi-source-branch-sync",
    groups=(
        (
            "Fabrics",
            (
                PluginMenuItem(
                    link="plugins:netbox_fgd_sync:fabriclink_list",
                    link_text="Fabric links",
                    permissions=["netbox_fgd_sync.view_fabriclink"],
                    buttons=(
                        PluginMenuButton(
                            link="plugins:netbox_fgd_sync:fabriclink_add",
                            title="Add",
                            icon_class="mdi mdi-plus-thick",
                            permissions=["netbox_fgd_sync.add_fabriclink"],
                        ),
                        PluginMenuButton(
                            link="plugins:netbox_fgd_sync:fabriclink_bulk_import",
                            title="Import",
                            icon_class="mdi mdi-upload",
                            permissions=["netbox_fgd_sync.add_fabriclink"],
                        ),
                    ),
                ),
                PluginMenuItem(
                    link="plugins:netbox_fgd_sync:changerecord_list",
                    link_text="Changes",
                    permissions=["netbox_fgd_sync.view_changerecord"],
                ),
            ),
        ),
    ),
)
