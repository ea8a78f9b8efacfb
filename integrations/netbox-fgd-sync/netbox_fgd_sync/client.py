"""Asks FGD Sync. Whatever goes wrong is an FGDSyncError, with a message and a remedy for people."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from netbox.plugins import get_plugin_config

from . import transport
from .errors import FIRST_ERROR, AwayError, FGDSyncError, NotConfiguredError, SlowError
from .remedies import remedy

__all__ = (
    "AwayError",
    "Client",
    "FGDSyncError",
    "NotConfiguredError",
    "SlowError",
    "away",
    "client",
    "configured",
    "is_address",
    "part",
    "token",
)

UNAUTHORIZED = 401
FIRST_REDIRECT = 300


@dataclass(frozen=True)
class Client:
    """Asks FGD Sync in the name of a user; in that of the plugin, where there is none."""

    url: str
    token: str
    ca_file: str = ""
    user: str = ""
    email: str = ""
    # Of time.monotonic(): when whoever asks waits for answers no longer, however many questions there are.
    end: float | None = None

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a question. Its path is below /api/v1/."""
        return self._ask("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something done."""
        return self._ask("POST", path, body=body or {})

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have something changed."""
        return self._ask("PATCH", path, body=body)

    def clock(self) -> datetime:
        """Return what time it is for FGD Sync, to the second."""
        answer = self._send("GET", "caller")
        _read(answer)
        try:
            return parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            raise FGDSyncError("FGD Sync does not say what time it is.", "See that no proxy takes it away.") from None

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return _read(self._send(method, path, query, body))

    def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> transport.Answer:
        headers: dict[str, Any] = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        for header, said in (("X-Requested-By", self.user), ("X-Requested-By-Email", self.email)):
            if text := printable(said):
                headers[header] = text.encode()
        return transport.send(
            method,
            f"{self.url}/api/v1/{path}",
            params={name: value for name, value in (query or {}).items() if value not in (None, "")},
            json=body,
            headers=headers,
            ca_file=self.ca_file,
            end=self.end,
        )


def printable(text: str) -> str:
    """Return a text without what can't be in a header. FGD Sync takes UTF-8."""
    return "".join(character for character in text if character.isprintable()).strip()


def _read(answer: transport.Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or FIRST_REDIRECT <= answer.status < FIRST_ERROR:
        raise FGDSyncError(
            f"What answers at the address of FGD Sync is something else (status {answer.status}).",
            "Compare the setting url of netbox_fgd_sync with the address of FGD Sync's API.",
            status=answer.status,
        )
    if answer.status < FIRST_ERROR:
        return said
    error = said.get("error")
    if not isinstance(error, dict):
        error = {}
    raise FGDSyncError(
        str(error.get("message") or f"FGD Sync refuses (status {answer.status})."),
        remedy(error),
        str(error.get("code") or ""),
        answer.status,
    )


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


def configured() -> bool:
    """Report whether NetBox was told where FGD Sync is."""
    return bool(get_plugin_config("netbox_fgd_sync", "url"))


def away() -> AwayError | None:
    """Return that FGD Sync is away, where somebody has found that. Nobody is asked: it costs a page nothing."""
    return transport.away(get_plugin_config("netbox_fgd_sync", "url")) if configured() else None


def client(user: Any = None, within: float | None = None) -> Client:
    """Return a client as the configuration says, or raise NotConfiguredError.

    It asks in the name of a user of NetBox, and for as long as `within` says, in seconds, where somebody waits for it.
    """
    url = (get_plugin_config("netbox_fgd_sync", "url") or "").rstrip("/")
    if not url:
        raise NotConfiguredError(
            "NetBox was not told where FGD Sync is.",
            "Set url and token_ref of netbox_fgd_sync in PLUGINS_CONFIG, and restart NetBox and its worker.",
        )
    if not is_address(url):
        raise NotConfiguredError(
            "The address of FGD Sync is none.", "Set url of netbox_fgd_sync to one such as https://fgd.example.com."
        )
    ca_file = get_plugin_config("netbox_fgd_sync", "ca_file")
    if ca_file and not os.access(ca_file, os.R_OK):
        raise NotConfiguredError(
            "The certificates of FGD Sync, ca_file, can't be read.",
            "Set ca_file of netbox_fgd_sync to a file that NetBox and its worker can read.",
        )
    name, email = (user.get_username(), getattr(user, "email", "")) if user else ("", "")
    return Client(url, token(), ca_file, name, email, None if within is None else time.monotonic() + within)


def is_address(url: Any) -> bool:
    """Report whether this is an address as a setting may be. What could be a password, it does not have."""
    try:
        parts = urlsplit(str(url))
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and "@" not in str(url) and not parts.query and not parts.fragment


def token() -> str:
    """Return the token that the configuration refers to, read anew each time, so that it can be replaced."""
    reference = get_plugin_config("netbox_fgd_sync", "token_ref") or ""
    kind, _, name = reference.partition(":")
    found = ""
    if kind == "env":
        found = os.environ.get(name, "")
    elif kind == "file":
        try:
            found = Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            found = ""
    found = found.strip()
    if not found or not found.isascii() or not found.isprintable():
        # A token that stands there by mistake is not repeated.
        place = repr(reference) if kind in ("env", "file") else "its place: token_ref is neither env:NAME nor file:PATH"
        raise NotConfiguredError(
            f"There is no token of FGD Sync at {place}.",
            "Make one with: fgd token create netbox --role admin --all-fabrics --speaks-for-people --out FILE. "
            "Put it there, on one line, readable for NetBox and its worker alone.",
        )
    return found
