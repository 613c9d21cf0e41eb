"""A running sandbox of each kind, people who call it, and somebody who listens for its webhooks."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from trackers.sandbox import Running, start


class Person(requests.Session):
    """Calls one sandbox as one user; paths are relative to the API."""

    def __init__(self, base: str, token: str = "", *, basic: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.base = base
        self.auth = basic
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, url: str, *args: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        more.setdefault("timeout", 15)
        more.setdefault("allow_redirects", False)
        return super().request(method, url if url.startswith("http") else self.base + url, *args, **more)


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    url: str
    heard: list[Heard] = field(default_factory=list)


@pytest.fixture
def github() -> Iterator[Running]:
    running = start("github")
    yield running
    running.stop()


@pytest.fixture
def jira() -> Iterator[Running]:
    running = start("jira_server")
    yield running
    running.stop()


@pytest.fixture
def proxy(github: Running) -> Person:
    return Person(github.url, "sandbox-proxy")


@pytest.fixture
def bob(github: Running) -> Person:
    return Person(github.url, "sandbox-bob")


@pytest.fixture
def jproxy(jira: Running) -> Person:
    return Person(f"{jira.url}/rest/api/2", basic=("proxy", "sandbox-proxy"))


@pytest.fixture
def jbob(jira: Running) -> Person:
    return Person(f"{jira.url}/rest/api/2", "sandbox-bob")


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.heard.append(Heard(self.path, dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there = Listener(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield there
    server.shutdown()
    server.server_close()
