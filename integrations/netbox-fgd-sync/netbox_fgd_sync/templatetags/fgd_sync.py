"""Filters that show what FGD Sync says."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import template
from django.utils.dateparse import parse_datetime

from .. import fabrics

register = template.Library()

# Colours of words of the API, as NetBox's badges have them. The words stand beside them.
COLORS = {
    "completed": "green",
    "failed": "red",
    "cancelled": "gray",
    "retrying": "orange",
    "open": "orange",
    "resolved": "green",
    "held": "orange",
    "undeliverable": "red",
    "created": "green",
    "updated": "blue",
    "deleted": "red",
    "create": "green",
    "update": "blue",
    "delete": "red",
    "quarantine": "orange",
    "release": "cyan",
    "git": "orange",
    "netbox": "purple",
}
# Names that are written in their own way.
NAMES = {"yaml": "YAML", "json": "JSON", "git": "Git", "github": "GitHub", "netbox": "NetBox", "api": "API"}

SHORT = 10
ADDRESSES = ("https://", "http://")


register.filter("page", fabrics.page)


@register.filter
def color(word: Any) -> str:
    """Return the colour of a word."""
    return COLORS.get(str(word), "blue")


@register.filter
def background(name: Any) -> str:
    """Return what NetBox's style sheet calls a background of a colour. It has none that is called gray."""
    return "secondary" if name in (None, "", "gray") else str(name)


@register.filter
def words(word: Any) -> str:
    """Return a word of the API as people write it."""
    first, *rest = str(word or "").lower().split("_")
    return " ".join((NAMES.get(first, first.capitalize()), *(NAMES.get(part, part) for part in rest)))


@register.filter
def stage(sync: Any) -> str:
    """Return what a sync does now, and how far it is."""
    progress = sync.get("progress")
    if not isinstance(progress, dict):
        progress = {}
    doing = words(progress.get("current_stage") or sync.get("state"))
    files = progress.get("total_files")
    return (
        f"{doing}: {progress.get('files_processed') or 0} of {files} {'file' if files == 1 else 'files'}"
        if files
        else doing
    )


@register.filter
def moment(text: Any) -> datetime | None:
    """Return a time of the API."""
    try:
        return parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None


@register.filter
def took(sync: Any) -> str:
    """Return how long a sync took, once it has ended."""
    first, last = moment(sync.get("started_at")), moment(sync.get("completed_at"))
    if first is None or last is None or first.tzinfo is None or last.tzinfo is None:
        return ""
    seconds = (last - first).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


@register.filter
def short(sha: Any) -> str:
    """Return the first digits of a commit."""
    return str(sha or "")[:SHORT]


@register.filter
def web(text: Any) -> str:
    """Return an address that leads to a page, and none that would do something else."""
    return text if isinstance(text, str) and text.lower().startswith(ADDRESSES) else ""


@register.filter
def place(finding: Any) -> str:
    """Return where something was found: file, line and column, as far as they are known."""
    if not isinstance(finding, dict):
        return ""
    return ":".join(str(finding[name]) for name in ("file", "line", "column") if finding.get(name))


@register.filter
def position(finding: Any) -> str:
    """Return the line and the column of something that was found in a file."""
    if not isinstance(finding, dict) or not finding.get("line"):
        return ""
    column = finding.get("column")
    return f"line {finding['line']}, column {column}" if column else f"line {finding['line']}"


@register.filter
def marked(diff: Any) -> Iterator[tuple[str, str]]:
    """Return the lines of a unified diff, each with how NetBox's style sheet calls it."""
    for line in str(diff or "").splitlines():
        heading = line.startswith(("+++ ", "--- "))
        kind = {"+": "added", "-": "removed"}.get(line[:1], "")
        yield line, "" if heading else kind


@register.filter
def total(sync: Any, name: str) -> int:
    """Return how many errors or warnings a sync has, also one of a list, which has the number alone."""
    return sync.get(f"{name}_total") or len(sync.get(name) or [])
