"""An FGD Sync for tests: a server on loopback that gives the answers it was told, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

BELOW = "/api/v1/"
OK = 200


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str  # below /api/v1/, without the query
    query: dict[str, str]
    body: Any
    headers: dict[str, str]  # names in lower case


@dataclass
class Answer:
    """What is said to a request. A body that is no dict is sent as it is."""

    body: dict[str, Any] | bytes
    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)


# What makes an answer out of a request.
Reply = Callable[[Asked], Answer]


def refusal(
    status: int, code: str = "FGD_1001", message: str = "No.", remedy: str = "Ask for something else."
) -> Answer:
    """Return an error as FGD Sync gives it."""
    return Answer({"error": {"code": code, "message": message, "remedy": remedy, "retryable": False}}, status)


NOT_FOUND = refusal(404, "FGD_1004", "There is no such thing here.", "Look at what the test told the service.")


def created(asked: Asked) -> Answer:
    """Answer to a registration as FGD Sync does."""
    return Answer({"fabric": asked.body, "sync_id": "first"})


class Service:
    """The server. Until it is told something, it finds nothing."""

    def __init__(self) -> None:
        """Listen on a port that nobody has."""
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], Reply] = {}
        self._broken: Answer | None = None
        self._hangs = ""
        self._hangs_up = False
        self._free = threading.Event()  # whoever hangs goes on
        self._free.set()
        self._begin(0)

    def _begin(self, port: int) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                service._answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815  # names of http.server

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, as PLUGINS_CONFIG has it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, method: str, path: str, answer: Answer | dict[str, Any] | Reply) -> Self:
        """Tell it what to say to a method and a path below /api/v1/."""
        if isinstance(answer, dict):
            answer = Answer(answer)
        if isinstance(answer, Answer):
            said = answer
            self._replies[method, path] = lambda _asked: said
        else:
            self._replies[method, path] = answer
        return self

    def requests(self, method: str = "", path: str = "") -> list[Asked]:
        """Return what it was asked, that of a method and of a path alone where one is given."""
        return [a for a in self.asked if method in ("", a.method) and path in ("", a.path)]

    def fail(self, status: int = 500) -> None:
        """Have it say that something inside it failed, whatever it is asked."""
        self._broken = refusal(status, "FGD_1000", "Something went wrong.", "Look at the log of FGD Sync.")

    def speak_html(self, status: int = OK) -> None:
        """Have it be something else than FGD Sync."""
        self._broken = Answer(b"<html><title>Welcome</title></html>", status, {"Content-Type": "text/html"})

    def redirect(self, to: str) -> None:
        """Have it send whoever asks elsewhere."""
        self._broken = Answer({}, 302, {"Location": to})

    def hang(self, path: str = "") -> None:
        """Have it take requests, or those of one path, and say nothing."""
        self._hangs = path
        self._free.clear()

    def hang_up(self) -> None:
        """Have it take requests, and hang up."""
        self._hangs_up = True

    def refuse(self) -> None:
        """Have nobody listen at its address."""
        self._port = self._server.server_port
        self._end()

    def mend(self) -> None:
        """Have it be as it was before it was broken."""
        self._broken = None
        self._hangs_up = False
        self._free.set()
        if not self._thread.is_alive():
            self._begin(self._port)

    def stop(self) -> None:
        """End it."""
        self._free.set()
        if self._thread.is_alive():
            self._end()

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = self._read(handler)
        self.asked.append(asked)
        if self._hangs in ("", asked.path):
            self._free.wait()
        if self._hangs_up:
            handler.close_connection = True
            return
        reply = self._replies.get((asked.method, asked.path))
        answer = self._broken or (reply(asked) if reply else NOT_FOUND)
        body = json.dumps(answer.body).encode() if isinstance(answer.body, dict) else answer.body
        try:
            handler.send_response(answer.status)
            usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**usual, **answer.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except ConnectionError:
            pass  # whoever asked waits no longer

    @staticmethod
    def _read(handler: BaseHTTPRequestHandler) -> Asked:
        parts = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        return Asked(
            handler.command,
            unquote(parts.path).removeprefix(BELOW),
            {name: values[-1] for name, values in parse_qs(parts.query).items()},
            json.loads(raw) if raw else None,
            {name.lower(): value for name, value in handler.headers.items()},
        )
