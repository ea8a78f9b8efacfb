"""Sends requests to FGD Sync, so that NetBox does not wait for it.

A service that does not take a connection within a moment is away; so is one that has let three different questions in
a row go without an answer. While it is away one request in ten seconds looks whether it is back, and all others are
told so at once. Once a question went without an answer, panels wait for others a moment only, until there is one. Of
one process two wait at a time, beside a reader of the feed.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.core.cache import cache
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError
from utilities.proxy import resolve_proxies

from .errors import AwayError, FGDSyncError, NotConfiguredError, SlowError

# In seconds: how long a connection may take, how long an answer may, and how long one to a change may, which is given
# when Git has it.
CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 5.0
WRITE_TIMEOUT = 20.0

# In seconds: how long a panel waits for an answer after there was none to something else, and for how long that is so.
DOUBT_TIMEOUT = 0.4
DOUBT_SECONDS = 10
DOUBT_KEY = "netbox_fgd_sync.doubt"

# How HTTP calls what went wrong, for those who ask NetBox.
BAD_GATEWAY = 502
UNAVAILABLE = 503
TIMEOUT = 504

# How many requests of a process wait at a time, which is less than its threads (3 in NetBox's sample), and
# for how many seconds another one waits until it may.
MOST_WAITING = 2
LONGEST_QUEUE = 0.3
waiting = threading.BoundedSemaphore(MOST_WAITING)

# In seconds: how often is looked whether a service that was away is back, and for how long that it was is remembered.
PROBE_SECONDS = 10
AWAY_SECONDS = 600
AWAY_KEY = "netbox_fgd_sync.away"
PROBE_KEY = "netbox_fgd_sync.probe"
SILENT_KEY = "netbox_fgd_sync.silent"
MOST_SILENT = 3

# The longest answer that is read, in bytes. A page of a list and a page of a diff are far below.
LONGEST_ANSWER = 16 << 20
PIECE = 64 << 10


@dataclass(frozen=True)
class Answer:
    """What FGD Sync says to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(method: str, url: str, *, headers: Mapping[str, Any], ca_file: str, end: float | None, **asked: Any) -> Answer:
    """Return the whole answer to a request, or raise FGDSyncError. No redirect is followed, and no .netrc read."""
    limit = patience(end) if method == "GET" else WRITE_TIMEOUT
    if limit <= 0:
        raise _unanswered(url)
    try:
        with _turn(), requests.Session() as session:
            _pass_unless_away(url)
            until = time.monotonic() + limit
            session.trust_env = False
            said = session.request(
                method,
                url,
                headers=dict(headers),
                timeout=(CONNECT_TIMEOUT, limit),
                allow_redirects=False,
                verify=ca_file or True,
                proxies=resolve_proxies(url=url),
                stream=True,
                **asked,
            )
            answer = Answer(said.status_code, said.headers, _content(said, until))
    except FGDSyncError:
        raise
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise _gone(url, error) from error
        raise NotConfiguredError(
            f"The certificate of FGD Sync at {host(url)} is not trusted.",
            "Name the certificates of who has signed it as ca_file of netbox_fgd_sync.",
        ) from error
    except requests.ConnectTimeout as error:
        raise _gone(url, error) from error
    except requests.Timeout as error:
        # That there was no answer within a moment says nothing of the service.
        hasty = end is not None and limit <= DOUBT_TIMEOUT
        raise (_unanswered if hasty else _silent)(url) from error
    except requests.ConnectionError as error:
        # Where there was a connection, what was asked for may have got there.
        raise (_gone if _refused(error) else _lost)(url, error) from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise NotConfiguredError(
            f"FGD Sync can't be asked as netbox_fgd_sync is set up ({type(error).__name__}).",
            "See url, token_ref and ca_file of netbox_fgd_sync: an address, one line, and a file that can be read.",
        ) from error
    cache.delete_many((AWAY_KEY, SILENT_KEY, DOUBT_KEY))
    return answer


def patience(end: float | None) -> float:
    """Return for how many seconds an answer is waited for; none or less where whoever asks has waited long enough."""
    if end is None:
        return READ_TIMEOUT
    return min(end - time.monotonic(), DOUBT_TIMEOUT if cache.get(DOUBT_KEY) else READ_TIMEOUT)


def _content(said: requests.Response, until: float) -> bytes:
    """Return what is answered, as long as it ends in time and has an end. What is not is of this answer alone."""
    read = bytearray()
    try:
        while piece := said.raw.read1(PIECE, decode_content=True):
            read += piece
            if len(read) > LONGEST_ANSWER:
                raise FGDSyncError(
                    f"An answer of FGD Sync has more than {LONGEST_ANSWER >> 20} MiB.",
                    "Ask for less of it at a time.",
                    status=BAD_GATEWAY,
                )
            if time.monotonic() > until:
                raise requests.ReadTimeout
    except ReadTimeoutError as error:
        raise requests.ReadTimeout from error
    except HTTPError as error:
        raise FGDSyncError(
            f"An answer of FGD Sync was cut off ({type(error).__name__}).", "Try again.", status=BAD_GATEWAY
        ) from error
    return bytes(read)


@contextmanager
def _turn() -> Iterator[None]:
    if not waiting.acquire(timeout=LONGEST_QUEUE):
        raise SlowError("Too many wait for FGD Sync already.", "Try again in a moment.", status=UNAVAILABLE)
    try:
        yield
    finally:
        waiting.release()


def away(url: str) -> AwayError | None:
    """Return why a service is away, as far as that is known, and None where it is not. It is not asked."""
    reason = cache.get(AWAY_KEY)
    return _away(url, reason) if reason else None


def _pass_unless_away(url: str) -> None:
    known = away(url)
    if known and not cache.add(PROBE_KEY, 1, PROBE_SECONDS):
        raise known


def _gone(url: str, error: Exception) -> AwayError:
    reason = type(error).__name__
    _remember(reason)
    return _away(url, reason)


def _remember(reason: str) -> None:
    cache.set(PROBE_KEY, 1, PROBE_SECONDS)
    cache.set(AWAY_KEY, reason, AWAY_SECONDS)


def _refused(error: requests.ConnectionError) -> bool:
    """Report whether there was no connection."""
    return bool(error.args) and isinstance(error.args[0], MaxRetryError)


def _lost(url: str, error: Exception) -> SlowError:
    _remember(type(error).__name__)
    return _unanswered(url)


def _silent(url: str) -> SlowError:
    silent = {*(cache.get(SILENT_KEY) or ()), urlsplit(url).path}
    away = len(silent) >= MOST_SILENT
    cache.set(SILENT_KEY, silent, AWAY_SECONDS)
    cache.set(DOUBT_KEY, 1, AWAY_SECONDS if away else DOUBT_SECONDS)
    if away:
        _remember("it gives no answers")
    return _unanswered(url)


def _unanswered(url: str) -> SlowError:
    return SlowError(
        f"FGD Sync at {host(url)} took the request, and has not answered.",
        "Look again in a moment: what was asked for may have been done.",
        status=TIMEOUT,
    )


def _away(url: str, reason: str) -> AwayError:
    return AwayError(
        f"FGD Sync at {host(url)} does not answer ({reason}).",
        "Everything that is changed in NetBox meanwhile is kept, and goes to Git when it is back. "
        "Whoever runs it sees why in its log.",
    )


def host(url: str) -> str:
    """Return the host and the port of an address: what may be shown of it."""
    return urlsplit(url).netloc.rpartition("@")[2]
