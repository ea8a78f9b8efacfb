"""Reads answers of FGD Sync, whatever is in the place of what is meant to be there."""

from collections.abc import Mapping
from typing import Any


def listed(said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    found = said.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def member(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object."""
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def whole(said: Mapping[str, Any], name: str) -> int:
    """Return a number. A zero is left out of answers."""
    found = said.get(name)
    return found if isinstance(found, int) else 0
