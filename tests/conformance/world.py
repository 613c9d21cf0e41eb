"""What a tracker's file gives the contract: two logged-in people, a project, and ways to disturb. Also small documents."""

from __future__ import annotations

import http.server
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from trackers.connector import Connector, IssueEvent
from trackers.issue import Doc, Issue

SECRET = "conformance-webhook-secret"
Delivery = tuple[dict[str, str], bytes]


def fresh() -> str:
    """A new mark."""
    return uuid.uuid4().hex


@dataclass
class Inbox:
    """Where webhooks arrive."""

    url: str
    arrived: list[Delivery] = field(default_factory=list)

    def wait(self, enough: Callable[[list[Delivery]], bool], seconds: float = 15) -> list[Delivery]:
        """What arrived once `enough` says so; all of it when it never does."""
        end = time.monotonic() + seconds
        while not enough(list(self.arrived)) and time.monotonic() < end:
            time.sleep(0.02)
        return list(self.arrived)


@dataclass
class World:
    tracker: Connector  # logged in as the proxy user, with SECRET as its webhook secret
    alice: Connector  # the same tracker as somebody else
    project: str
    alice_id: str
    inbox: Inbox
    lost_answer: Callable[[], AbstractContextManager[Any]]  # inside: writes have their effect, answers are lost
    unknown_event: Callable[[], Delivery]  # signed, of a kind that nobody knows
    missing: str = "NOPE-1"  # the key of an issue that does not exist
    no_project: str = "NOPE"
    delete: Callable[[str], None] | None = None  # delete an issue by key
    email: str = ""  # alice's, where the tracker tells e-mail addresses
    query: Callable[[Issue], str] = lambda issue: issue.key  # a query of the tracker's language that finds just this
    bad_query: str = ""  # one that it refuses
    a_page: int = 5  # more issues than one page of `changes` holds
    no_label_with: str = ""  # a label that the tracker does not take
    drops: frozenset[str] = frozenset()  # marks that its text form does not have

    def later(self, cursor: str, enough: Callable[[list[IssueEvent]], bool], seconds: float = 15) -> tuple[list[IssueEvent], str]:
        """Poll every page from `cursor` until `enough`; what came, and the last cursor."""
        end, seen = time.monotonic() + seconds, list[IssueEvent]()
        while True:
            page = self.tracker.changes(self.project, cursor)
            seen, cursor = [*seen, *page.items], page.cursor
            if not page.more and (enough(seen) or time.monotonic() > end):
                return seen, cursor
            if not page.more:
                time.sleep(0.1)


@contextmanager
def receiver() -> Iterator[Inbox]:
    """An inbox that listens on a port of this machine."""
    inbox = Inbox("")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            inbox.arrived.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as url:
        inbox.url = f"{url}/webhooks/of-this-test/"
        yield inbox


@contextmanager
def lost_answers(sandbox: str) -> Iterator[None]:
    """Writes to the sandbox at this address have their effect, and the connection drops before the answer."""
    faults = f"{sandbox}/_sandbox/faults"
    requests.put(faults, json={"timeout_rate": 1, "timeout_kind": "arrived"}, timeout=5).raise_for_status()
    yield
    requests.put(faults, json={"timeout_rate": 0, "timeout_kind": None}, timeout=5).raise_for_status()


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Answering:
    """A server that gives every call the same answer."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0


@contextmanager
def answering() -> Iterator[Answering]:
    answer = Answering()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(answer.delay)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as answer.url:
        yield answer


# ---------------------------------------------------------------------- documents
def doc(*blocks: Doc) -> Doc:
    return {"type": "doc", "content": list(blocks)}


def text(words: str, *marks: str) -> Doc:
    if not marks:
        return {"type": "text", "text": words}
    made = [{"type": mark, "attrs": {"href": "https://example.com/a"}} if mark == "link" else {"type": mark} for mark in marks]
    return {"type": "text", "text": words, "marks": made}


def node(kind: str, *content: Doc, **attrs: Any) -> Doc:
    return {"type": kind, **({"attrs": attrs} if attrs else {}), "content": list(content)}


def paragraph(*content: Doc | str) -> Doc:
    return node("paragraph", *(text(part) if isinstance(part, str) else part for part in content))


def said(words: str) -> Doc:
    return doc(paragraph(words)) if words else doc()


def words_of(tree: Doc) -> str:
    """The text in a document, blocks a line each."""
    if tree.get("type") == "hardBreak":
        return "\n"
    inner = "".join(words_of(child) for child in tree.get("content", ()))
    block = tree.get("type") in ("paragraph", "heading", "codeBlock", "tableCell", "tableHeader")
    return f"{inner}\n" if block else tree.get("text", "") + inner


def marks_of(tree: Doc) -> set[str]:
    found = {mark["type"] for mark in tree.get("marks", ())}
    return found.union(*(marks_of(child) for child in tree.get("content", ())))


def kinds_of(tree: Doc) -> set[str]:
    return {str(tree.get("type"))}.union(*(kinds_of(child) for child in tree.get("content", ())))


MARKS = ("strong", "em", "strike", "code", "link", "underline")
RICH = doc(
    node("heading", text("Steps to see it"), level=2),
    paragraph("Plain, ", text("bold", "strong"), " and ", text("slanted", "em"), " words."),
    node(
        "bulletList",
        node("listItem", paragraph("first"), node("bulletList", node("listItem", paragraph("inside")))),
        node("listItem", paragraph("second")),
    ),
    node("orderedList", node("listItem", paragraph("one")), node("listItem", paragraph("two"))),
    node("codeBlock", text("if (a < b) {\n    return *p;\n}"), language="java"),
    node(
        "table",
        node("tableRow", node("tableHeader", paragraph("Name")), node("tableHeader", paragraph("Value"))),
        node("tableRow", node("tableCell", paragraph("alpha")), node("tableCell", paragraph("beta"))),
    ),
    paragraph("The end 🎉"),
)
TEXTS = {
    "accents": "Žluťoučký kůň, façade, naïve, ångström",
    "emoji": "done 🎉 👩‍👩‍👧 🇧🇪",
    "cjk": "問題が発生しました 问题 문제",
    "right to left": "שלום עולם مرحبا بالعالم",
    "quotes": "He said \"no\" and 'yes' \\ & < > % $",
    "wiki and markdown": "a_b_c 2 * 3 * 4 [x] {y} |z| ~q~ ^r^ +s+ -t- ??u?? `v` #w",
}
