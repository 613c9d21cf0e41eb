"""The product's promise, tested: two sandboxes over real HTTP, the real connectors, the real engine and database. People
act through the sandboxes' own APIs; `world.settle()` works until nothing is due, as the worker's threads would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from django.utils import timezone

from connections.models import Connection, ConnectionEnd, SyncRules
from connections.rules.mapping import Row
from syncjobs import actions, queue, worker
from syncjobs.intake import poll
from syncjobs.models import Conflict, SyncedIssue, SyncError, Watermark
from trackers.models import Instance, ProxyUser
from trackers.sandbox import start

JIRA_STATUSES = ("To Do", "In Progress", "Done")
PEOPLE = {"alice": "alice", "bob": "bob"}


def rows(status_out: dict[str, str], status_into: dict[str, str], *, types: bool) -> list[dict[str, Any]]:
    return [
        row.as_json()
        for row in (
            Row("summary", "summary"),
            Row("description", "description"),
            Row("status", "status", status_out, "", status_into, ""),
            Row("type", "type", sends=types, takes=types),
            Row("priority", "priority", sends=types, takes=types),
            Row("assignee", "assignee", PEOPLE, "", PEOPLE, ""),
            Row("labels", "labels"),
            Row("comments", "comments"),
        )
    ]


JIRA_ROWS = rows({name: name for name in JIRA_STATUSES}, {name: name for name in JIRA_STATUSES}, types=True)
GITHUB_ROWS = rows(
    {"open": "To Do", "closed": "Done", "closed: not planned": "Done", "closed: duplicate": "Done"},
    {"To Do": "open", "In Progress": "open", "Done": "closed"},
    types=False,
)


class Person:
    """Somebody at work in a sandbox, over its vendor's API."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.http = url, requests.Session()
        self.http.headers["User-Agent"] = "person"
        self.http.auth = None
        self.name = name

    def call(self, method: str, path: str, **json: Any) -> Any:
        answer = self.http.request(method, self.url + path, json=json or None, timeout=10)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content else None


class GitHubPerson(Person):
    def __init__(self, url: str, name: str) -> None:
        super().__init__(url, name)
        self.http.headers["Authorization"] = f"Bearer sandbox-{name}"

    def create(self, title: str, body: str = "", **more: Any) -> str:
        return f"acme/demo#{self.call('POST', '/repos/acme/demo/issues', title=title, body=body, **more)['number']}"

    def path(self, key: str) -> str:
        return f"/repos/acme/demo/issues/{key.split('#')[1]}"

    def edit(self, key: str, **fields: Any) -> None:
        self.call("PATCH", self.path(key), **fields)

    def say(self, key: str, body: str) -> str:
        return str(self.call("POST", self.path(key) + "/comments", body=body)["id"])

    def resay(self, comment: str, body: str) -> None:
        self.call("PATCH", f"/repos/acme/demo/issues/comments/{comment}", body=body)

    def unsay(self, key: str, comment: str) -> None:
        self.call("DELETE", f"/repos/acme/demo/issues/comments/{comment}")

    def issue(self, key: str) -> Any:
        return self.call("GET", self.path(key))

    def comments(self, key: str) -> list[Any]:
        found: list[Any] = self.call("GET", self.path(key) + "/comments")
        return found


class JiraPerson(Person):
    def __init__(self, url: str, name: str) -> None:
        super().__init__(url, name)
        self.http.auth = (name, f"sandbox-{name}")

    def create(self, title: str, body: str = "", **more: Any) -> str:
        fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": title, "description": body, **more}
        return str(self.call("POST", "/rest/api/2/issue", fields=fields)["key"])

    def edit(self, key: str, **fields: Any) -> None:
        self.call("PUT", f"/rest/api/2/issue/{key}", fields=fields)

    def move(self, key: str, status: str) -> None:
        moves = self.call("GET", f"/rest/api/2/issue/{key}/transitions")["transitions"]
        self.call(
            "POST",
            f"/rest/api/2/issue/{key}/transitions",
            transition={"id": next(m["id"] for m in moves if m["to"]["name"] == status)},
        )

    def say(self, key: str, body: str) -> str:
        return str(self.call("POST", f"/rest/api/2/issue/{key}/comment", body=body)["id"])

    def resay(self, key: str, comment: str, body: str) -> None:
        self.call("PUT", f"/rest/api/2/issue/{key}/comment/{comment}", body=body)

    def unsay(self, key: str, comment: str) -> None:
        self.call("DELETE", f"/rest/api/2/issue/{key}/comment/{comment}")

    def issue(self, key: str) -> Any:
        return self.call("GET", f"/rest/api/2/issue/{key}")["fields"]

    def comments(self, key: str) -> list[Any]:
        found: list[Any] = self.call("GET", f"/rest/api/2/issue/{key}/comment")["comments"]
        return found


@dataclass
class World:
    jira: Any  # the running sandboxes
    github: Any
    connection: Connection
    hooks: bool = False
    people: dict[str, Any] = field(default_factory=dict)

    @property
    def a(self) -> JiraPerson:
        """Alice in Jira."""
        return JiraPerson(self.jira.url, "alice")

    @property
    def g(self) -> GitHubPerson:
        """Alice in GitHub."""
        return GitHubPerson(self.github.url, "alice")

    def exalate(self, text: str) -> SyncedIssue:
        pair, _ = actions.exalate(self.connection, text, by="tester")
        self.settle()
        pair.refresh_from_db()
        return pair

    def settle(self, timeout: float = 40.0) -> None:
        """Work until nothing is due and, with webhooks on, none is under way."""
        end = time.monotonic() + timeout
        quiet = 0
        while time.monotonic() < end:
            claim = queue.claim(queue.worker_name())
            if claim:
                worker.run_one(claim)
                quiet = 0
                continue
            waiting = SyncedIssue.objects.filter(marked__gt=0, state="active").order_by("not_before")
            if any(pair.marked > pair.worked for pair in waiting):
                quiet = 0
            else:
                quiet += 1
            if quiet > (6 if self.hooks else 1):
                return
            time.sleep(0.03)
        stuck = [(str(p), p.waiting_for, p.marked, p.worked) for p in SyncedIssue.objects.all() if p.marked > p.worked]
        raise AssertionError(f"still due: {stuck} {[e.message for e in SyncError.objects.all()]}")

    def poll(self) -> None:
        """A poll of every project, now, then the work it finds."""
        Watermark.objects.update(next_poll=timezone.now())
        while poll.one():
            continue
        self.settle()

    def calls(self, tracker: Any) -> list[Any]:
        """What the proxy user called since `forget_calls`."""
        found = requests.get(tracker.url + "/_sandbox/calls", timeout=10).json()["calls"]
        return [f"{one['method']} {one['path']}" for one in found if one["user"] == "proxy"]

    def forget_calls(self) -> None:
        for tracker in (self.jira, self.github):
            requests.delete(tracker.url + "/_sandbox/calls", timeout=10)

    def faults(self, tracker: Any, **values: Any) -> None:
        requests.put(tracker.url + "/_sandbox/faults", json=values, timeout=10).raise_for_status()

    def twin_of(self, pair: SyncedIssue) -> str:
        pair.refresh_from_db()
        return pair.remote_key

    def conflicts(self) -> list[Any]:
        return [actions.conflict_view(one) for one in Conflict.objects.all()]


def make_instance(kind: str, url: str, **credentials: str) -> Instance:
    instance = Instance.objects.create(
        name=kind, kind=kind, url=url, call_timeout=2, settle_seconds=4, status="ok", poll_seconds=3600
    )
    proxy = ProxyUser(instance=instance)
    proxy.keep_credentials(credentials)
    proxy.save()
    account = instance.connector().check()
    ProxyUser.objects.filter(pk=proxy.pk).update(user_id=account.user.id, login=account.user.login, name=account.user.name)
    return Instance.objects.select_related("proxy").get(pk=instance.pk)


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[tuple[Any, Any]]:
    jira, github = start("jira_server"), start("github")
    yield jira, github
    jira.stop()
    github.stop()


@pytest.fixture
def world(transactional_db: None, sandboxes: tuple[Any, Any]) -> World:
    jira, github = sandboxes
    for tracker in sandboxes:
        requests.post(tracker.url + "/_sandbox/reset", json={"hooks": True}, timeout=10)
    a = make_instance("jira_server", jira.url, username="proxy", password="sandbox-proxy")
    b = make_instance("github", github.url, token="sandbox-proxy")
    connection = Connection.objects.create(name="Payments to demo", state="active")
    for side, instance, project, table in (("A", a, "PAY", JIRA_ROWS), ("B", b, "acme/demo", GITHUB_ROWS)):
        end = ConnectionEnd.objects.create(connection=connection, side=side, instance=instance, project=project)
        SyncRules.objects.create(end=end, state="published", rows=table)
        poll.watch(end)
        poll.one()
    return World(jira, github, connection)


@pytest.fixture
def hooked(world: World, live_server: Any) -> World:
    """The same with webhooks: the sandboxes post to the node's own address."""
    for end in world.connection.ends.all():
        instance = end.instance
        instance.connector().subscribe(
            end.project, f"{live_server.url}/webhooks/{instance.webhook_token}/", instance.webhook_secret
        )
    world.hooks = True
    return world
