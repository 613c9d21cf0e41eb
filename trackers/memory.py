"""The reference connector: a tracker that lives in this process. Every promise of trackers/connector.py in its plainest
form; core tests run on it. `MemoryTracker` is the tracker and its people, `MemoryConnector` one logged-in user."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

from exalate.errors import BadCredentials, NotFound, Rejected, Stale, WebhookRefused
from trackers import connector as c
from trackers.issue import CANONICAL, Change, Comment, Doc, Issue, Parts, SetChange, User

PROXY, ALICE, BOB = (User(name, name, name.title(), f"{name}@example.com") for name in ("proxy", "alice", "bob"))
STATUSES = (c.Status("To Do", "new"), c.Status("In Progress", "active"), c.Status("Done", "done"))
SCHEMA = c.Schema(("Task", "Bug"), STATUSES, ("High", "Medium", "Low"), (PROXY, ALICE, BOB), (), "Task", "To Do")
ALLOWED = {"status": [s.name for s in STATUSES], "type": list(SCHEMA.types), "priority": ["", *SCHEMA.priorities]}


def _nothing(name: str, arguments: tuple[Any, ...]) -> None:
    return None


@dataclass
class MemoryTracker:
    """The state, and what people do to it: `create`, `edit`, `say`, `delete`, each as a named user. `before` and `after` are
    called round every call of a connector; one that raises is a fault (in `after`: the effect stays, the answer is lost)."""

    schema: c.Schema = SCHEMA
    projects: dict[str, str] = field(default_factory=lambda: {"MEM": "Memory", "OPS": "Operations"})
    issues: dict[str, Issue] = field(default_factory=dict)  # by key
    log: list[c.IssueEvent] = field(default_factory=list)
    hooks: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # id -> project, url, secret
    before: Callable[[str, tuple[Any, ...]], None] = _nothing
    after: Callable[[str, tuple[Any, ...]], None] = _nothing
    deliver: Callable[[str, Mapping[str, str], bytes], None] = lambda url, headers, body: None
    clock: Callable[[], int] | None = None  # ms; without one, time goes on by a millisecond with each change
    serial: int = 0
    numbers: dict[str, int] = field(default_factory=dict)  # the last issue number of each project
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def user(self, name: str) -> User:
        found = next((user for user in self.schema.users if user.id == name), None)
        if found is None:
            raise BadCredentials(f"The tracker knows no user {name}")
        return found

    def now(self) -> int:
        self.serial += 1
        return self.clock() if self.clock else 1_700_000_000_000 + self.serial

    def find(self, key: str) -> Issue:
        found = self.issues.get(key) or next((issue for issue in self.issues.values() if issue.id == key), None)
        if found is None:
            raise NotFound(f"There is no issue {key}, or the proxy user may not see it")
        return found

    def create(self, by: str, project: str, mark: str = "", **fields: Any) -> Issue:
        if project not in self.projects:
            raise NotFound(f"There is no project {project}")
        fields = {**fields, "labels": frozenset(fields.get("labels", ()))}
        self.check(fields)
        now, number = self.now(), self.numbers.get(project, 0) + 1
        self.numbers[project] = number
        blank = Issue(str(10_000 + self.serial), f"{project}-{number}", f"memory:/browse/{project}-{number}", project)
        blank = replace(blank, status=self.schema.default_status, type=self.schema.default_type, history=())
        return self.keep(_with(replace(blank, author=self.user(by), created=now, mark=mark), fields), by, Parts.ALL, now)

    def edit(self, by: str, key: str, **fields: Any) -> Issue:
        old, now = self.find(key), self.now()
        new = _with(old, fields)
        self.check({name: new.value(name) for name in fields})
        history = (old.history or ()) + tuple(_changes(old, new, self.user(by), now))
        return old if new == old else self.keep(replace(new, history=history), by, Parts.FIELDS, now)

    def say(self, by: str, key: str, body: Doc, *, edit: str = "", mark: str = "", internal: bool = False) -> Comment:
        issue, now = self.find(key), self.now()
        if _length(body) > MemoryConnector.features.max_body:
            raise Rejected("The comment is too long", field="comment")
        old = next((comment for comment in issue.comments or () if comment.id == edit), None)
        if edit and old is None:
            raise NotFound(f"{key} has no comment {edit}")
        fresh = Comment(str(20_000 + self.serial), body, self.user(by), now, now, internal, mark)
        said = replace(old, body=body, updated=now) if old else fresh
        kept = [said if comment is old else comment for comment in issue.comments or ()]
        self.keep(replace(issue, comments=tuple(kept if old else [*kept, said])), by, Parts.COMMENTS, now)
        return said

    def unsay(self, by: str, key: str, comment_id: str) -> None:
        issue = self.find(key)
        kept = tuple(comment for comment in issue.comments or () if comment.id != comment_id)
        self.keep(replace(issue, comments=kept), by, Parts.COMMENTS, self.now())

    def delete(self, by: str, key: str) -> None:
        issue = self.issues.pop(self.find(key).key)
        self.tell(c.IssueEvent("deleted", issue.id, issue.key, issue.project, Parts.ALL, self.user(by), self.now()))

    def keep(self, issue: Issue, by: str, parts: Parts, now: int) -> Issue:
        kept = replace(issue, updated=now, stamp=str(self.serial))
        self.issues[kept.key] = kept
        self.tell(c.IssueEvent("changed", kept.id, kept.key, kept.project, parts, self.user(by), now, kept.stamp))
        return kept

    def tell(self, event: c.IssueEvent) -> None:
        self.log.append(event)
        plain = {name: getattr(event, name) for name in ("kind", "issue_id", "key", "project", "at", "stamp")}
        body = json.dumps(
            {**plain, "parts": int(event.parts), "by": event.by.id if event.by else "", "n": len(self.log)}
        ).encode()
        for project, url, secret in self.hooks.values():
            if project == event.project:
                self.deliver(url, {"X-Signature": hmac.new(secret.encode(), body, "sha256").hexdigest()}, body)

    def check(self, fields: Mapping[str, Any]) -> None:
        """Raises Rejected with the name of the field whose value the tracker does not take."""
        assignee, summary, text = fields.get("assignee"), fields.get("summary", "x"), fields.get("description") or {}
        bad = [name for name, allowed in ALLOWED.items() if name in fields and fields[name] not in allowed]
        bad += ["assignee"] if assignee and assignee.id not in [user.id for user in self.schema.users] else []
        bad += ["summary"] if not 0 < len(summary) <= MemoryConnector.features.max_title else []
        bad += ["description"] if _length(text) > MemoryConnector.features.max_body else []
        if bad:
            raise Rejected(f"The tracker refused {bad[0]}: {str(fields[bad[0]])[:80]}", field=bad[0])


def _length(doc: Mapping[str, Any]) -> int:
    return len(doc.get("text", "")) + sum(_length(child) for child in doc.get("content", ()))


def _with(issue: Issue, fields: Mapping[str, Any]) -> Issue:
    plain = {name: value for name, value in fields.items() if name in CANONICAL}
    if isinstance(change := plain.get("labels"), SetChange):
        plain["labels"] = (issue.labels - set(change.remove)) | set(change.add)
    custom = {name: value for name, value in fields.items() if name not in CANONICAL}
    return replace(issue, **plain, custom={**issue.custom, **custom})


def _changes(old: Issue, new: Issue, by: User, at: int) -> Iterator[Change]:
    for name in (*CANONICAL[:-1], *new.custom):
        if old.value(name) != new.value(name):
            yield Change(name, old.value(name), new.value(name), by, at, f"{at}.{name}")
    for label in sorted(old.labels ^ new.labels):
        yield Change("labels", *((label, "") if label in old.labels else ("", label)), by, at, f"{at}.{label}")


def call(method: Callable[..., Any]) -> Any:
    """One call to the tracker: the fault hooks stand before and after it."""

    @wraps(method)
    def wrapped(self: MemoryConnector, *args: Any, **kwargs: Any) -> Any:
        self.tracker.before(method.__name__, args)
        with self.tracker.lock:
            answer = method(self, *args, **kwargs)
        self.tracker.after(method.__name__, args)
        return answer

    return wrapped


class MemoryConnector(c.Connector):
    kind, label = "memory", "In memory"
    features = c.Features(
        webhooks=True, subscribes=True, deletes_comments=True, marks=True, edits_comments=True, internal_comments=True,
        custom_fields=True, conditional_update=True, history=True, priority=True, types=True, body="adf", granularity_ms=1,
    )  # fmt: skip

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """`settings["tracker"]`: the MemoryTracker; `settings["login"]`: who is logged in, else the proxy user."""
        self.tracker: MemoryTracker = settings["tracker"]
        self.login, self.secret = settings.get("login", "proxy"), settings.get("webhook_secret", "")

    @call
    def check(self, project: str = "") -> c.Account:
        return c.Account(
            self.tracker.user(self.login), "1", (c.Permission("Create issue", True), c.Permission("Edit issue", True))
        )

    @call
    def projects(self) -> Iterator[c.Project]:
        return iter([c.Project(key, name, key) for key, name in self.tracker.projects.items()])

    @call
    def schema(self, project: str) -> c.Schema:
        if project not in self.tracker.projects:
            raise NotFound(f"There is no project {project}")
        return self.tracker.schema

    @call
    def search(self, query: str, cursor: str = "") -> c.Page[str]:
        """The query language: `name=value`."""
        name, equals, value = query.partition("=")
        if not equals:
            raise Rejected(f"Not a query: {query}", field="query")
        return c.Page(tuple(issue.key for issue in self.tracker.issues.values() if str(getattr(issue, name, "")) == value))

    @call
    def changes(self, project: str, cursor: str = "") -> c.Page[c.IssueEvent]:
        start, end = int(cursor or len(self.tracker.log)), len(self.tracker.log)
        stop = min(start + 2, end)  # small pages, so that whoever reads them must turn them
        return c.Page(tuple(event for event in self.tracker.log[start:stop] if event.project == project), str(stop), stop < end)

    @call
    def read(self, key: str, parts: Parts = Parts.ALL) -> Issue:
        issue = self.tracker.find(key)
        unmarked = tuple(comment if Parts.MARKS in parts else replace(comment, mark="") for comment in issue.comments or ())
        history = issue.history if Parts.HISTORY in parts else None
        return replace(issue, comments=unmarked if Parts.COMMENTS in parts else None, history=history, parts=parts)

    @call
    def find_user(self, email: str) -> User | None:
        return next((user for user in self.tracker.schema.users if user.email == email), None)

    @call
    def create(self, project: str, fields: Mapping[str, Any], mark: str, *, repeat: bool = False) -> c.Written:
        found = self._marked(project, mark, 0) if repeat else None
        return found or self._written(self.tracker.create(self.login, project, mark, **fields))

    @call
    def update(self, key: str, fields: Mapping[str, Any], *, base: Issue | None = None) -> c.Written:
        now = self.tracker.find(key)
        if base and any(base.value(name) != now.value(name) for name in fields):
            raise Stale(f"{key} changed since it was read")
        return self._written(self.tracker.edit(self.login, key, **fields))

    @call
    def comment(self, key: str, body: Doc, *, mark: str = "", edit: str = "", internal: bool = False) -> c.Written:
        said = self.tracker.say(self.login, key, body, edit=edit, mark=mark, internal=internal)
        return c.Written(said.id, key, comment=said, stamp=self.tracker.find(key).stamp)

    def parse_key(self, text: str, project: str) -> str:
        key = text.strip().removeprefix("memory:/browse/").upper()
        key = f"{project}-{key}" if key.isdigit() else key
        head, dash, number = key.rpartition("-")
        return key if dash and number.isdigit() and int(number) and head in self.tracker.projects else ""

    def issue_url(self, key: str) -> str:
        return f"memory:/browse/{key}"

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[c.IssueEvent, ...]:
        wanted = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        if not self.secret or not hmac.compare_digest(wanted, headers.get("X-Signature", "")):
            raise WebhookRefused("The delivery's signature is missing or wrong")
        raw = json.loads(body)
        if raw.pop("kind") not in ("changed", "deleted"):
            return ()
        by, parts, number = self.tracker.user(raw.pop("by")), Parts(raw.pop("parts")), raw.pop("n")
        return (c.IssueEvent("changed", **raw, by=by, parts=parts, delivery=f"{number}-{hashlib.sha256(body).hexdigest()[:12]}"),)

    @call
    def subscribe(self, project: str, url: str, secret: str) -> c.Subscription:
        found = next((id for id, hook in self.tracker.hooks.items() if hook[:2] == (project, url)), "")
        hook_id = found or str(len(self.tracker.hooks) + 1)
        self.tracker.hooks[hook_id] = (project, url, secret)
        return c.Subscription(hook_id, url)

    @call
    def unsubscribe(self, project: str, subscription: c.Subscription) -> None:
        self.tracker.hooks.pop(subscription.id, None)

    @call
    def find_by_mark(self, project: str, mark: str, since: int) -> c.Written | None:
        return self._marked(project, mark, since)

    @call
    def remove_comment(self, key: str, comment_id: str) -> None:
        self.tracker.unsay(self.login, key, comment_id)

    def _marked(self, project: str, mark: str, since: int) -> c.Written | None:
        mine = [issue for issue in self.tracker.issues.values() if issue.project == project and issue.created >= since]
        return next((self._written(issue) for issue in mine if mark and issue.mark == mark), None)

    def _written(self, issue: Issue) -> c.Written:
        known = replace(issue, comments=None, history=None, parts=Parts.FIELDS)
        return c.Written(issue.id, issue.key, issue.url, issue.stamp, issue=known)
