"""HTTP/1.1 as the sandboxes speak it: one thread a connection, keep-alive, no Nagle delay.

http.server parses headers with the e-mail package; this reads them itself, which makes the simulators about three times
as fast. What is answered is decided in server.py.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):
    """What arrived is not HTTP that we understand."""


class NotJson(ValueError):
    """The body is not JSON text."""


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    default_base: str = ""

    def __post_init__(self) -> None:
        if self.target.startswith("http://"):  # as a proxy asks
            self.target = "/" + self.target.split("/", 3)[3:][0] if self.target.count("/") > 2 else "/"
        self.path, _, query = self.target.partition("?")
        self.query = parse_qs(query, keep_blank_values=True) if query else {}
        self.parts = tuple(unquote(part) for part in self.path.split("/") if part)
        host = self.headers.get("host")
        self.base = f"http://{host}" if host else self.default_base

    def arg(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def number(self, name: str, default: int, most: int = sys.maxsize) -> int:
        text = self.arg(name)
        return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else default

    def json(self) -> Any:
        """The body as JSON; {} when there is none. Lone surrogates are refused, as the vendors do."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
            if b"\\u" in self.body:
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise NotJson(str(error)) from error
        return value

    def form(self) -> dict[str, str]:
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}

    def cookies(self) -> dict[str, str]:
        pairs = (pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without a word

    @classmethod
    def json(cls, status: int, value: Any, headers: dict[str, str] | None = None) -> Response:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})

    @classmethod
    def html(cls, status: int, text: str) -> Response:
        return cls(status, text.encode("utf-8", "replace"), {"Content-Type": "text/html; charset=utf-8"})

    @classmethod
    def redirect(cls, where: str) -> Response:
        return cls(303, b"", {"Location": where})


DROPPED = Response(0, drop=True)
Answer = Callable[[Request], Response]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on host:port (0: any free one) and answers each request with `answer`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.answer = answer
        self.open: set[socket.socket] = set()
        super().__init__((host, port), Connection)
        self.url = f"http://{host}:{self.server_address[1]}"

    def close_connections(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    timeout = 300
    server: Server

    def handle(self) -> None:
        self.server.open.add(self.connection)
        try:
            while self._one():
                pass
        finally:
            self.server.open.discard(self.connection)

    def _one(self) -> bool:
        try:
            request = self._read()
        except BadRequest as error:
            self._send(Response(400, str(error).encode(), {"Connection": "close"}), head=False)
            return False
        if request is None:
            return False
        response = self.server.answer(request)
        keep = request.headers.get("connection", "").lower() != "close"
        self._send(response, head=request.method == "HEAD", keep=keep)
        return keep

    def _read(self) -> Request | None:
        line = self.rfile.readline(MAX_HEAD)
        if not line.strip():
            return None
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest("This is not an HTTP/1.1 request.")
        headers = self._headers()
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if words[2] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return Request(words[0].upper(), words[1], headers, self._body(headers), self.server.url)

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        size = 0
        while True:
            line = self.rfile.readline(MAX_HEAD)
            size += len(line)
            if line in (b"\r\n", b"\n"):
                return headers
            if not line or size > MAX_HEAD:
                raise BadRequest("The request's head is cut off or too long.")
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()

    def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        text = headers.get("content-length", "0")
        if not text.isdigit() or int(text) > MAX_BODY:
            raise BadRequest("The body's length is not a number, or too large.")
        return self.rfile.read(int(text)) if text != "0" else b""

    def _chunks(self) -> bytes:
        body = b""
        while True:
            try:
                size = int(self.rfile.readline(MAX_HEAD).split(b";")[0], 16)
            except ValueError as error:
                raise BadRequest("A chunk's size is not a number.") from error
            if size > MAX_BODY or len(body) + size > MAX_BODY:
                raise BadRequest("The body is too large.")
            body += self.rfile.read(size)
            self.rfile.readline(MAX_HEAD)
            if size == 0:
                return body

    def _send(self, response: Response, *, head: bool, keep: bool = True) -> None:
        lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Unknown')}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.status not in (204, 304):
            lines.append(f"Content-Length: {len(response.body)}")
        if not keep:
            lines.append("Connection: close")
        text = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        has_body = not head and response.status not in (204, 304)
        self.wfile.write(text + response.body if has_body else text)
