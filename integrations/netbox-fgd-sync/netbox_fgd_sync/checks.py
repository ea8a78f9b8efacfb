"""What is not right about an installation, for `netbox check` and `netbox fgd_check`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core import checks
from django.utils import timezone
from netbox.constants import RQ_QUEUE_DEFAULT
from netbox.plugins import get_plugin_config
from redis.exceptions import RedisError
from utilities.rqworker import any_workers_for_queue

from . import client, compat, recording
from .models import FabricLink
from .templatetags.fgd_sync import moment

# By how many seconds the clocks may differ. The order of changes on both sides is known by them.
MOST_SKEW = 30

MOST_NAMES = 5

# Who looks after a NetBox may be away for a while.
ENDS_SOON = timedelta(days=14)

Messages = list[checks.CheckMessage]


@dataclass(frozen=True)
class Check:
    """Something that is to be so, and what finds out whether it is. It says nothing when it is."""

    title: str
    run: Callable[[], Messages]


def warning(number: int, message: str, hint: str) -> Messages:
    """Return what is wrong, and what to do about it."""
    return [checks.Warning(message, hint=hint, id=f"netbox_fgd_sync.W{number:03}")]


def note(number: int, message: str, hint: str) -> Messages:
    """Return what is worth to know, and fails nothing."""
    return [checks.Info(message, hint=hint, id=f"netbox_fgd_sync.I{number:03}")]


def installed() -> Messages:
    """Look for HNP."""
    if apps.is_installed(recording.PLUGIN):
        return []
    return warning(1, "The Hedgehog NetBox Plugin is not installed: nothing is recorded.", "Add it to PLUGINS.")


def recorded() -> Messages:
    """Look for models that are not as they are known."""
    return [
        message
        for kind in sorted({recording.FABRIC, *recording.KINDS} - set(recording.models()))
        for message in warning(
            2,
            f"Changes of {kind} are not recorded: the model is not there, or not as it is known.",
            "Look for a newer version of netbox-fgd-sync. FGD Sync finds these changes when it compares all.",
        )
    ]


def named() -> Messages:
    """Look for kinds that NetBox can't show (Q2)."""
    kinds = list(compat.without_page())
    if not kinds:
        return []
    return warning(
        3,
        f"NetBox finds no page of {', '.join(kinds)}: its API fails to show, and to delete, their records.",
        'Set hnp_compat of netbox_fgd_sync to "auto", or look for a newer version of the Hedgehog NetBox Plugin.',
    )


def ordered() -> Messages:
    """Look for kinds that NetBox can't list without being told an order (Q1)."""
    kinds = [kind for kind, model in recording.models().items() if not model._meta.ordering]
    if not kinds:
        return []
    return note(
        1,
        f"Lists of {', '.join(kinds)} have no order: NetBox's API fails where nobody asks for one.",
        "Ask for ?ordering=id, as FGD Sync does. It is a defect of the Hedgehog NetBox Plugin.",
    )


def configured() -> Messages:
    """Look at the settings."""
    said = {name: get_plugin_config("netbox_fgd_sync", name) for name in SETTINGS}
    return [
        message
        for name, (right, hint) in SETTINGS.items()
        if not right(said[name])
        for message in warning(4, f"The setting {name} of netbox_fgd_sync is not right.", hint)
    ]


def is_address(text: Any) -> bool:
    """Report whether this is an address, or none is wanted."""
    return text == "" or client.is_address(text)


def is_file(path: Any) -> bool:
    """Report whether there is such a file, or none is wanted."""
    return path == "" or (isinstance(path, str) and Path(path).is_file())


def is_model(text: Any) -> bool:
    """Report whether there is such a model, where the plugin is whose it is."""
    app, _, name = str(text).partition(".")
    return bool(name) and (not apps.is_installed(app) or name.lower() in apps.all_models[app])


SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "url": (is_address, "Set it to an address such as https://fgd.example.com, with no user, password or query."),
    "token_ref": (
        lambda text: str(text).startswith(("env:", "file:")),
        "Set it to env:NAME or file:PATH, where the token is. The token itself does not belong here.",
    ),
    "netbox_url": (
        is_address,
        "Set it to the address that FGD Sync has of this NetBox, such as https://netbox.example.com, or leave it out.",
    ),
    "ca_file": (is_file, "Set it to a file of certificates that is there, or leave it out."),
    "fabric_model": (is_model, "Set it to a model, such as netbox_hedgehog.HedgehogFabric."),
    "hnp_compat": (lambda word: word in (compat.AUTO, compat.OFF), 'Set it to "auto" or "off".'),
    "retention_days": (lambda days: isinstance(days, int) and days > 0, "Set it to a number of days, such as 90."),
}


def worker() -> Messages:
    """Look for a process that does what is queued."""
    try:
        if any_workers_for_queue(RQ_QUEUE_DEFAULT):
            return []
    except RedisError as error:
        return warning(
            5, f"The Redis of NetBox's tasks does not answer ({type(error).__name__}).", "Look at REDIS['tasks']."
        )
    return warning(
        5,
        "No worker of NetBox runs: no fabric is registered, no status is refreshed, no event is sent.",
        "Start one with: netbox rqworker high default low",
    )


def told() -> Messages:
    """Look for the address of FGD Sync."""
    if client.configured():
        return []
    return note(
        2,
        "NetBox was not told where FGD Sync is: there is the feed of changes, and no page shows a sync.",
        "Set url and token_ref of netbox_fgd_sync in PLUGINS_CONFIG, and restart NetBox and its worker.",
    )


def answers() -> Messages:
    """Ask FGD Sync who we are."""
    client.client().get("caller")
    return []


def permitted() -> Messages:
    """Look whether the token may do what is asked of FGD Sync here."""
    said = client.client().get("caller")
    if said.get("method") == "none":  # nobody is asked there who they are
        return []
    roles = granted(said.get("grants"))
    make = "Make another with: fgd token create netbox --role admin --all-fabrics --speaks-for-people"
    if not roles:
        return warning(7, "The token of FGD Sync may do nothing: it has no role.", make)
    if not roles & {"operator", "admin"}:
        return warning(7, "The token of FGD Sync may look, and do nothing: it has the role viewer.", make)
    if "admin" not in roles:
        return warning(
            7,
            "The token of FGD Sync may not register fabrics, or change them: it has the role operator.",
            f"{make}. Or have links say what FGD Sync has already, and no credentials (see the plugin's README).",
        )
    return []


def granted(grants: Any) -> set[str]:
    """Return the roles of grants, as far as there are any."""
    roles = [grant.get("role") for grant in grants if isinstance(grant, dict)] if isinstance(grants, list) else []
    return {role for role in roles if isinstance(role, str)}


def lasting() -> Messages:
    """Look how long the token is taken yet. That FGD Sync does not answer, another check says."""
    try:
        said = client.client().get("caller")
    except client.FGDSyncError:
        return []
    end = moment(said.get("expires_at"))
    if end is None or end.tzinfo is None or end - timezone.now() > ENDS_SOON:
        return []
    return warning(
        11,
        f"The token of FGD Sync is taken until {end.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and not after that.",
        f"Give it another secret and another end with: fgd token rotate {said.get('token_id') or 'ID'} --out FILE. "
        "Put that in the place of the one that token_ref names.",
    )


def agreed() -> Messages:
    """Compare the clocks."""
    theirs = client.client().clock()
    skew = (theirs - timezone.now()).total_seconds()
    if abs(skew) <= MOST_SKEW + 1:  # it is told to the second
        return []
    return warning(
        8,
        f"The clock of FGD Sync is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} that of NetBox.",
        "Have both machines set their clocks by NTP: what was changed first is decided by them.",
    )


def registered() -> Messages:
    """Look for links that FGD Sync does not know as they are."""
    links = list(FabricLink.objects.select_related("object_type"))
    if not links:
        return note(
            3, "No fabric has a link: none is synced by NetBox.", "Add one, in the menu below FGD Sync > Fabric links."
        )
    lost = [link for link in links if link.object_type.model_class() is None]
    return orphaned(lost) + waiting([link for link in links if link not in lost and link.wanted() != link.applied])


def orphaned(lost: list[FabricLink]) -> Messages:
    """Tell of links whose fabrics are of a plugin that is gone. Nothing is known of these but their numbers."""
    if not lost:
        return []
    names = few(f"{link.object_type.app_label} {link.object_id}" for link in lost)
    return warning(
        10,
        f"{len(lost)} of the links {'is' if len(lost) == 1 else 'are'} of a plugin that is not installed: {names}.",
        "Add the plugin to PLUGINS again, or delete the links.",
    )


def waiting(links: list[FabricLink]) -> Messages:
    """Tell of links that say what FGD Sync was not told."""
    if not links:
        return []
    return warning(
        9,
        f"FGD Sync was not told yet what {len(links)} of the links {'says' if len(links) == 1 else 'say'}: "
        f"{few(str(link) for link in links)}.",
        next((link.error for link in links if link.error), "The worker of NetBox tells it within a minute."),
    )


def few(names: Iterable[str]) -> str:
    """Return some of the names, and that there are others."""
    said = list(names)
    return ", ".join(said[:MOST_NAMES]) + (", …" if len(said) > MOST_NAMES else "")


# Within a group a check is of use when those before it are well.
ALWAYS = (
    (
        Check("The Hedgehog NetBox Plugin is installed", installed),
        Check("Changes of all kinds are recorded", recorded),
        Check("NetBox finds the pages of all kinds", named),
    ),
    (Check("The settings are right", configured),),
)
# These ask other processes.
DEPLOYED = (
    (Check("A worker of NetBox runs", worker),),
    (Check("The token of FGD Sync does not end soon", lasting),),
    (
        Check("NetBox was told where FGD Sync is", told),
        Check("FGD Sync answers, and takes the token", answers),
        Check("The token may do what is asked of FGD Sync", permitted),
        Check("The clocks agree", agreed),
        Check("FGD Sync knows what the links of fabrics say", registered),
    ),
)
# It fails nothing, and whoever installs HNP can do nothing about it.
KNOWN = ((Check("Lists of all kinds have an order", ordered),),)


def look(*groups: tuple[Check, ...]) -> Iterator[tuple[Check, Messages | None]]:
    """Yield checks with what they say; None of those that were of no use."""
    for group in groups:
        well = True
        for check in group:
            said = run(check) if well else None
            well = well and not said
            yield check, said


def run(check: Check) -> Messages:
    """Return what a check says. That FGD Sync does not answer it is a word of it."""
    try:
        return check.run()
    except client.FGDSyncError as error:
        return warning(6, error.message, error.remedy)


@checks.register()
def hedgehog(app_configs: Any = None, **_: Any) -> Messages:  # noqa: ARG001
    """Say what is wrong that can be seen in this process."""
    return [message for _, said in look(*ALWAYS) for message in said or ()]


@checks.register(deploy=True)
def deployed(app_configs: Any = None, **_: Any) -> Messages:  # noqa: ARG001
    """Say what is wrong about the processes around."""
    if configured():
        return []  # which is told already
    return [message for _, said in look(*DEPLOYED) for message in said or ()]
