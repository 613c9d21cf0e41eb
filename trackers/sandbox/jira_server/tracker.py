"""The simulated Jira: log-in, permissions, look-ups and the headers on each answer. The calls are in the api_*.py files."""

from __future__ import annotations

import base64
import binascii
import time
import uuid

from trackers.sandbox.faults import Allowance
from trackers.sandbox.jira_server import api_comments, api_hooks, api_issues, api_meta, catalogue, pages, seed
from trackers.sandbox.jira_server.errors import denied, no_comment, no_issue, no_project, refuse
from trackers.sandbox.routes import Ask, Refusal, Router, Tracker
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response

API = ("rest", "api")
UNAUTHORIZED = """
<html><head><title>Unauthorized (401)</title></head><body><h1>Unauthorized (401)</h1>
<p>Basic Authentication Failure - Reason : AUTHENTICATED_FAILED</p></body></html>
"""
OUTAGE = "<html><head><title>{status} {name}</title></head><body><center><h1>{status} {name}</h1></center></body></html>"


class JiraServer(Tracker):
    kind, product = "jira_server", "Jira"

    def seed(self) -> None:
        seed.users_and_projects(self.store)
        self.index()
        seed.issues(self)

    def index(self) -> None:
        table = self.store.table
        self.projects: dict[str, Doc] = table("projects")
        self.issues: dict[str, Doc] = table("issues")
        self.comments: dict[str, Doc] = table("comments")
        self._by_key = {issue["key"]: issue for issue in self.issues.values()}
        self.comments_of: dict[str, list[Doc]] = {}
        self.history_of: dict[str, list[Doc]] = {}
        for comment in self.comments.values():
            self.comments_of.setdefault(comment["issue"], []).append(comment)
        for entry in table("history").values():
            self.history_of.setdefault(entry["issue"], []).append(entry)

    # --- keeping

    def keep_issue(self, doc: Doc) -> None:
        self.store.put("issues", doc["id"], doc)
        self._by_key[doc["key"]] = doc

    def forget_issue(self, doc: Doc) -> None:
        for comment in self.comments_of.pop(doc["id"], ()):
            self.store.drop("comments", comment["id"])
        for entry in self.history_of.pop(doc["id"], ()):
            self.store.drop("history", entry["id"])
        self.store.drop("issues", doc["id"])
        del self._by_key[doc["key"]]

    def keep_comment(self, doc: Doc) -> None:
        self.store.put("comments", doc["id"], doc)
        self.comments_of.setdefault(doc["issue"], []).append(doc)

    def forget_comment(self, doc: Doc) -> None:
        self.store.drop("comments", doc["id"])
        self.comments_of[doc["issue"]].remove(doc)

    def keep_history(self, doc: Doc) -> None:
        self.store.put("history", doc["id"], doc)
        self.history_of.setdefault(doc["issue"], []).append(doc)

    # --- looking up

    def user(self, name: str) -> Doc:
        return self.store.table("users")[name]

    def project_for(self, user: str, key_or_id: str) -> Doc:
        for doc in self.projects.values():
            if key_or_id.upper() in (doc["key"], doc["id"]) and self.may(user, "BROWSE_PROJECTS"):
                return doc
        raise no_project(key_or_id)

    def find_issue(self, key_or_id: str) -> Doc | None:
        return self.issues.get(key_or_id) or self._by_key.get(key_or_id.upper())

    def issue_for(self, user: str, key_or_id: str) -> Doc:
        issue = self.find_issue(key_or_id)
        if issue is None or not self.may(user, "BROWSE_PROJECTS"):
            raise no_issue()
        return issue

    def comment_in(self, issue: Doc, comment_id: str) -> Doc:
        comment = self.comments.get(comment_id)
        if comment is None or comment["issue"] != issue["id"]:
            raise no_comment(comment_id)
        return comment

    # --- rights

    def may(self, name: str, permission: str) -> bool:
        user = self.user(name)
        if not user["active"] or permission in user.get("denied", ()):
            return False
        if permission == "SYSTEM_ADMIN":
            return bool(user["admin"]) and bool(user.get("system_admin"))
        return bool(user["admin"]) or permission not in catalogue.ADMIN_ONLY

    def demand(self, name: str, permission: str, what: str) -> None:
        if not self.may(name, permission):
            raise denied(what)

    # --- answering

    def is_api(self, request: Request) -> bool:
        return request.parts[:1] == ("rest",)

    def is_write(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD") and request.parts[-1:] != ("search",)

    def authenticate(self, request: Request) -> str:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise _login_required()
        name, password = _basic(value) if scheme.lower() == "basic" else ("", value.strip())
        name = name.lower() or password.removeprefix("sandbox-")
        user = self.store.get("users", name)
        if user is None or password != f"sandbox-{name}" or not user["active"]:
            refusal = Refusal(Response.html(401, UNAUTHORIZED))
            refusal.response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
            refusal.response.headers["WWW-Authenticate"] = 'OAuth realm="' + request.base + '"'
            raise refusal
        return name

    def respond(self, request: Request, user: str) -> Response:
        parts = request.parts
        if parts[:2] == API and parts[2:3] in (("2",), ("latest",)):
            parts = (*API, "2", *parts[3:])
        found = ROUTES.find("GET" if request.method == "HEAD" else request.method, parts)
        if found is None:
            known = ROUTES.knows(parts)
            raise (
                Refusal(Response(405, b"", {"Content-Type": "text/html"}))
                if known
                else refuse(404, "null for uri: " + request.base + request.path)
            )
        handler, args = found
        return handler(Ask(self, request, user, args))

    def dress(self, request: Request, response: Response, user: str, allowance: Allowance) -> None:
        headers = response.headers
        headers["X-AREQUESTID"] = f"{int(time.time()) % 86400 // 60}x{uuid.uuid4().int % 100_000}x1"
        headers["X-ANODEID"] = "sandbox"
        headers["X-AUSERNAME"] = user or "anonymous"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cache-Control"] = "no-cache, no-store, no-transform"
        if user:
            headers.setdefault("X-Seraph-LoginReason", "OK")
        if user and allowance.limited:
            headers["X-RateLimit-Limit"] = str(allowance.limit)
            headers["X-RateLimit-Remaining"] = str(allowance.remaining)
            headers["X-RateLimit-FillRate"] = str(allowance.limit)
            headers["X-RateLimit-Interval-Seconds"] = "60"

    def limited(self, user: str, allowance: Allowance) -> Response:
        headers = {"Retry-After": str(allowance.wait(time.time())), "Content-Type": "text/html;charset=UTF-8"}
        return Response(429, b"Rate limit exceeded.", headers)

    def outage(self, status: int) -> Response:
        name = {502: "Bad Gateway", 503: "Service Temporarily Unavailable"}[status]
        return Response.html(status, OUTAGE.format(status=status, name=name))

    def page(self, request: Request) -> Response:
        return pages.answer(self, request)


def _login_required() -> Refusal:
    refusal = refuse(401, "You are not authenticated. Authentication required to perform this operation.")
    refusal.response.headers["WWW-Authenticate"] = 'OAuth realm="Jira"'
    return refusal


def _basic(value: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


ROUTES = Router()
for module in (api_meta, api_issues, api_comments, api_hooks):
    module.register(ROUTES)
