"""Requests checked against Atlassian's description of Jira Data Center 10.3, and a loopback stub that checks each one."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft4Validator

CONTRACTS = Path(__file__).parents[3].parent / "shared" / "contracts" / "jira-server"
DESCRIPTION = CONTRACTS / "software-dc-10.3.24.openapi.json.gz"
NEEDED = "/rest"  # the description's paths begin after it
# query parameters that Jira has and its description lacks
UNDECLARED = {
    ("GET", "/api/2/myself"): {"expand"},  # groups: documented, used by every client
}
# the description says that every value of an issue's fields is an object; real ones are strings, lists, null
ANY_VALUE = {"type": "object"}


@cache
def description() -> dict[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip(f"the vendor's description is not here: {DESCRIPTION.name}")
    return json.loads(gzip.decompress(DESCRIPTION.read_bytes()))


def problems(method: str, path: str, query: dict[str, list[str]], body: Any) -> list[str]:
    """What the description has against a request; [] when nothing."""
    template, operation = _operation(method, path.removeprefix(NEEDED))
    if operation is None:
        return [f"{method} {path} is not described"]
    declared = {entry["name"] for entry in operation.get("parameters", ()) if entry["in"] == "query"}
    extra = set(query) - declared - UNDECLARED.get((method, template), set())
    found = [f"{method} {template}: no query parameter {name}" for name in sorted(extra)]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return found
    if content is None:
        return [*found, f"{method} {template} takes no body"]
    return found + [f"{method} {template}: {error.json_path}: {error.message}" for error in _validator(content).iter_errors(body)]


def bean_problems(name: str, body: Any) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return [f"{name}: {error.json_path}: {error.message}" for error in _validator({"schema": schema}).iter_errors(body)]


def _validator(content: dict[str, Any]) -> Draft4Validator:
    return Draft4Validator(
        {**content["schema"], "components": {"schemas": _schemas()}} if "$ref" not in content["schema"] else _ref(content)
    )


def _ref(content: dict[str, Any]) -> dict[str, Any]:
    return {"allOf": [content["schema"]], "components": {"schemas": _schemas()}}


@cache
def _schemas() -> dict[str, Any]:
    """Known beans are closed (a misspelt name must not pass), and fields of issues take any value."""
    schemas = json.loads(json.dumps(description()["components"]["schemas"]))
    for schema in schemas.values():
        if schema.get("properties") and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    schemas["IssueUpdateBean"]["properties"]["fields"] = ANY_VALUE
    schemas["FieldOperation"] = {"type": "object", "minProperties": 1, "maxProperties": 1}
    schemas["RestWebhook"]["additionalProperties"] = False
    return schemas


def _operation(method: str, path: str) -> tuple[str, dict[str, Any] | None]:
    parts = path.strip("/").split("/")
    candidates = []
    for template, operations in description()["paths"].items():
        names = template.strip("/").split("/")
        fits = len(names) == len(parts) and all(a == b or a.startswith("{") for a, b in zip(names, parts, strict=True))
        if fits and method.lower() in operations:
            candidates.append((template.count("{"), template, operations[method.lower()]))
    best = min(candidates, key=lambda candidate: candidate[0], default=None)
    return (best[1], best[2]) if best else ("", None)


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    headers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Answer = tuple[int, Any] | Callable[[Call], tuple[int, Any]]


@dataclass
class Stub:
    """Answers by (method, pattern of the path); every call is kept."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: list[tuple[str, re.Pattern[str], Answer]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"X-AUSERNAME": "proxy"})

    def on(self, method: str, pattern: str, answer: Any = None, status: int = 200) -> None:
        """The newest answer for a call wins."""
        given: Answer = answer if callable(answer) else (status, answer)
        self.answers.insert(0, (method, re.compile(pattern), given))

    def made(self) -> list[str]:
        return [str(call).replace("/rest/api/2", "").replace("/jira", "", 1) for call in self.calls]

    def answer(self, call: Call) -> tuple[int, Any]:
        self.calls.append(call)
        for method, pattern, answer in self.answers:
            if method == call.method and pattern.fullmatch(call.path.removeprefix("/jira")):
                return answer(call) if callable(answer) else answer
        return 404, {"errorMessages": ["There is nothing here"], "errors": {}}

    def check(self) -> None:
        """Every call to the described part of the interface is as described."""
        found = []
        for call in self.calls:
            path = call.path.removeprefix("/jira")
            if path.startswith("/rest/api/2"):
                found += problems(call.method, path, call.query, call.body)
        assert found == []


@contextmanager
def stub() -> Iterator[Stub]:
    jira = Stub()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            body = json.loads(raw) if raw else None
            status, value = jira.answer(
                Call(self.command, address.path, parse_qs(address.query), body, dict(self.headers.items()))
            )
            text = b"" if value is None else json.dumps(value).encode()
            self.send_response_only(status)
            for name, content in {"Content-Type": "application/json", **jira.headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, content)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = do_any

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    jira.url = f"http://127.0.0.1:{server.server_address[1]}/jira"
    try:
        yield jira
    finally:
        server.shutdown()
        server.server_close()
