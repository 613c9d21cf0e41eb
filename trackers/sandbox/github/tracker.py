"""The simulated GitHub: log-in, rights, look-ups and the headers on each answer. The calls are in the api_*.py files."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
import uuid

from trackers.sandbox.faults import Allowance
from trackers.sandbox.github import api_hooks, api_issues, api_repos, pages, render, seed
from trackers.sandbox.github.errors import deleted, not_found, refuse
from trackers.sandbox.routes import Ask, Refusal, Router, Tracker
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response

API_ROOTS = frozenset(
    ("user", "users", "repos", "repositories", "search", "rate_limit", "meta", "orgs", "zen", "graphql", "api", "app", "issues")
)
VERSION = "2022-11-28"
GHOST = {"login": "ghost", "id": 10137, "name": "Deleted user", "email": "", "created": 0}
OUTAGE = "<html><body><h1>{status} {name}</h1>No server is available to handle this request.</body></html>\n"
NO_AGENT = (
    "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\r\n"
)


class GitHub(Tracker):
    kind, product = "github", "GitHub"

    def seed(self) -> None:
        seed.users_and_repos(self.store)
        self.index()
        seed.issues(self)

    def index(self) -> None:
        table = self.store.table
        self.repos: dict[int, Doc] = {doc["id"]: doc for doc in table("repos").values()}
        self.issues: dict[int, Doc] = {doc["id"]: doc for doc in table("issues").values()}
        self.labels: dict[int, Doc] = {doc["id"]: doc for doc in table("labels").values()}
        self.comments: dict[int, Doc] = {doc["id"]: doc for doc in table("comments").values()}
        self.owner = table("owners")["acme"]
        self.issues_of: dict[int, dict[int, Doc]] = {}
        self.comments_of: dict[int, list[Doc]] = {}
        self.events_of: dict[int, list[Doc]] = {}
        self._labels_by_name = {(doc["repo"], doc["name"].lower()): doc for doc in self.labels.values()}
        for issue in self.issues.values():
            self.issues_of.setdefault(issue["repo"], {})[issue["number"]] = issue
        for comment in self.comments.values():
            self.comments_of.setdefault(comment["issue"], []).append(comment)
        for event in table("events").values():
            self.events_of.setdefault(event["issue"], []).append(event)

    # --- keeping

    def keep_issue(self, doc: Doc) -> None:
        self.store.put("issues", doc["id"], doc)
        self.issues[doc["id"]] = doc
        self.issues_of.setdefault(doc["repo"], {})[doc["number"]] = doc

    def keep_comment(self, doc: Doc) -> None:
        self.store.put("comments", doc["id"], doc)
        self.comments[doc["id"]] = doc
        self.comments_of.setdefault(doc["issue"], []).append(doc)

    def forget_comment(self, doc: Doc) -> None:
        self.store.drop("comments", doc["id"])
        del self.comments[doc["id"]]
        self.comments_of[doc["issue"]].remove(doc)

    def keep_label(self, doc: Doc, former_name: str = "") -> None:
        self._labels_by_name.pop((doc["repo"], former_name.lower()), None)
        self.store.put("labels", doc["id"], doc)
        self.labels[doc["id"]] = doc
        self._labels_by_name[doc["repo"], doc["name"].lower()] = doc

    def forget_label(self, doc: Doc) -> None:
        self.store.drop("labels", doc["id"])
        del self.labels[doc["id"]]
        del self._labels_by_name[doc["repo"], doc["name"].lower()]
        for issue in self.issues_of.get(doc["repo"], {}).values():
            if doc["id"] in issue["labels"]:
                issue["labels"].remove(doc["id"])
                self.store.put("issues", issue["id"], issue)

    def keep_event(self, doc: Doc) -> None:
        self.store.put("events", doc["id"], doc)
        self.events_of.setdefault(doc["issue"], []).append(doc)

    # --- looking up

    def links(self, request: Request | None = None) -> render.Links:
        """Addresses as the caller wrote them; in webhooks, those of an Enterprise server."""
        if request is None:
            return render.Links(self.base, f"{self.base}/api/v3")
        return render.Links(request.base, request.base + ("/api/v3" if request.parts[:1] == ("api",) else ""))

    def user(self, login: str) -> Doc:
        return self.store.get("users", login) or GHOST

    def label(self, repo_id: int, name: str) -> Doc | None:
        return self._labels_by_name.get((repo_id, name.lower()))

    def labels_on(self, issue: Doc) -> list[Doc]:
        return [self.labels[one] for one in issue["labels"]]

    def open_count(self, repo_id: int) -> int:
        return sum(1 for issue in self.issues_of.get(repo_id, {}).values() if issue["state"] == "open" and not issue["deleted"])

    def repo_named(self, owner: str, name: str) -> Doc | None:
        wanted = f"{owner}/{name}".lower()
        return next((repo for repo in self.repos.values() if repo["full_name"].lower() == wanted), None)

    def repo_for(self, user: str, owner: str, name: str) -> Doc:
        """The repository, when this user may see it; private ones answer 404 otherwise."""
        repo = self.repo_named(owner, name)
        if repo is None or not self.may(user, repo, "read"):
            raise not_found()
        return repo

    def issue_in(self, repo: Doc, number: str) -> Doc:
        issue = self.issues_of.get(repo["id"], {}).get(int(number)) if number.isdigit() else None
        if issue is None:
            raise not_found()
        if issue["deleted"]:
            raise deleted()
        return issue

    def hooks_of(self, repo_id: int) -> list[Doc]:
        return [hook for hook in self.store.table("hooks").values() if hook["repo"] == repo_id]

    # --- rights

    def access(self, login: str, repo: Doc) -> str:
        user = self.user(login)
        if user.get("admin"):
            return "admin"
        return str(user.get("access", {}).get(repo["full_name"], "none"))

    def may(self, login: str, repo: Doc, level: str) -> bool:
        return render.LEVELS.index(self.access(login, repo)) >= render.LEVELS.index(level)

    def is_assignable(self, login: str, repo: Doc) -> bool:
        return self.store.get("users", login) is not None and self.may(login, repo, "read")

    def association(self, login: str, repo: Doc) -> str:
        return "MEMBER" if self.may(login, repo, "write") else "NONE"

    # --- answering

    def is_api(self, request: Request) -> bool:
        if not request.parts:
            return "json" in request.headers.get("accept", "")
        return request.parts[0] in API_ROOTS

    def authenticate(self, request: Request) -> str:
        if not request.headers.get("user-agent"):
            raise Refusal(Response(403, NO_AGENT.encode(), {"Content-Type": "text/html"}))
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise refuse(401, "Requires authentication")
        token = _basic_password(value) if scheme.lower() == "basic" else value.strip()
        login = token.removeprefix("sandbox-")
        user = self.store.get("users", login)
        if not token.startswith("sandbox-") or user is None or not user.get("active", True):
            raise refuse(401, "Bad credentials")
        return login

    def respond(self, request: Request, user: str) -> Response:
        version = request.headers.get("x-github-api-version", VERSION)
        if version != VERSION:
            raise refuse(400, f"The '{version}' API version is not supported. Supported versions: {VERSION}.")
        method = "GET" if request.method == "HEAD" else request.method
        found = ROUTES.find(method, self._parts(request))
        if found is None:
            raise not_found()
        handler, args = found
        response = handler(Ask(self, request, user, args))
        if method == "GET" and response.status == 200:
            return _with_etag(request, user, response)
        return response

    def dress(self, request: Request, response: Response, user: str, allowance: Allowance) -> None:
        headers = response.headers
        headers["Server"] = "GitHub.com"
        headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:20].upper()
        headers["X-GitHub-Enterprise-Version"] = "enterprise-server@3.19.0"
        headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        headers["X-GitHub-Api-Version-Selected"] = VERSION
        if user:
            headers["X-RateLimit-Limit"] = str(allowance.limit)
            headers["X-RateLimit-Remaining"] = str(allowance.remaining)
            headers["X-RateLimit-Used"] = str(allowance.used)
            headers["X-RateLimit-Reset"] = str(allowance.reset_at)
            headers["X-RateLimit-Resource"] = "search" if "search" in request.parts[:3] else "core"

    def limited(self, user: str, allowance: Allowance) -> Response:
        message = f"API rate limit exceeded for user ID {self.user(user)['id']}."
        wait = allowance.wait(time.time())
        return refuse(429, message, headers={"Retry-After": str(wait)}).response

    def outage(self, status: int) -> Response:
        name = {502: "Bad Gateway", 503: "Service Unavailable"}[status]
        return Response.html(status, OUTAGE.format(status=status, name=name))

    def page(self, request: Request) -> Response:
        return pages.answer(self, request)

    def _parts(self, request: Request) -> tuple[str, ...]:
        """Without the Enterprise prefix, and with a repository's number exchanged for its name."""
        parts = request.parts[2:] if request.parts[:2] == ("api", "v3") else request.parts
        if parts[:1] == ("repositories",) and len(parts) > 1:
            repo = self.repos.get(int(parts[1])) if parts[1].isdigit() else None
            if repo is None:
                raise not_found()
            return ("repos", *repo["full_name"].split("/"), *parts[2:])
        return parts


def _with_etag(request: Request, user: str, response: Response) -> Response:
    tag = hashlib.sha256(user.encode() + b"\0" + response.headers.get("Link", "").encode() + response.body).hexdigest()
    response.headers["ETag"] = f'W/"{tag}"'
    response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    response.headers["Vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if f'"{tag}"' in given:
        return Response(304, b"", {name: value for name, value in response.headers.items() if name != "Content-Type"})
    return response


def _basic_password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


ROUTES = Router()
for module in (api_repos, api_issues, api_hooks):
    module.register(ROUTES)
