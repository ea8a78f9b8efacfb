"""Gives HNP the names of pages that NetBox looks for.

NetBox finds the page of an object by the name of its model. HNP gives the pages of six models other names, so that
NetBox can show none of their records whole: reads fail, what is made is answered with an error after it was made, and
nothing can be deleted (Q2). Where a name is missing, the page that is there gets it as a second one.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.module_loading import import_string
from netbox.plugins import get_plugin_config
from utilities.views import get_viewname

from . import recording

AUTO = "auto"
OFF = "off"

# What NetBox looks for, and what HNP has instead.
NAMES = {
    "external": "external_detail",
    "externalattachment": "externalattachment_detail",
    "externalpeering": "externalpeering_detail",
    "hedgehogfabric": "fabric_detail",
    "vpcattachment": "vpcattachment_detail",
    "vpcpeering": "vpcpeering_detail",
}


def complete() -> None:
    """Give HNP the names that it lacks, unless that is not wanted.

    It is called when NetBox puts the URLs of all plugins together. Those of HNP are no more read before than they would
    be without this: a page that is registered later would be missing in them.
    """
    if get_plugin_config("netbox_fgd_sync", "hnp_compat") == AUTO and apps.is_installed(recording.PLUGIN):
        patterns = import_string(f"{recording.PLUGIN}.urls.urlpatterns")
        patterns.extend(aliases(patterns))


def aliases(patterns: list[URLPattern]) -> list[URLPattern]:
    """Return the pages whose names are missing, under these."""
    named = {pattern.name: pattern for pattern in patterns if isinstance(pattern, URLPattern)}
    return [
        URLPattern(named[other].pattern, named[other].callback, named[other].default_args, name)
        for name, other in NAMES.items()
        if name not in named and other in named
    ]


def has_page(model: type[Model]) -> bool:
    """Report whether NetBox finds the page of a record. Without one, it can't show a record whole."""
    try:
        reverse(get_viewname(model), args=[1])
    except NoReverseMatch:
        return False
    return True


def without_page() -> Iterator[str]:
    """Yield the kinds of which NetBox finds no page."""
    return (kind for kind, model in recording.models().items() if not has_page(model))
