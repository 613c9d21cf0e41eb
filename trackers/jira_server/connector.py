"""Jira Server and Data Center 9 to 11 as a Connector. Endpoints: client.py; JSON: mapping.py; deliveries: webhook.py;
the choice of transitions: workflow.py; polling: changes.py."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exalate.errors import BadCredentials, Forbidden, NotFound, Rejected, Stale, TrackerError, Unavailable, Unsupported
from trackers.connector import (
    Account,
    Connector,
    Features,
    IssueEvent,
    Page,
    Project,
    Schema,
    Setting,
    Status,
    Subscription,
    Written,
)
from trackers.issue import Doc, Issue, Parts, User
from trackers.jira_server import changes, mapping, webhook, workflow
from trackers.jira_server.client import WEBHOOKS_9, WEBHOOKS_10, JiraClient
from trackers.jira_server.mapping import MARK, READ, Json
from trackers.jira_server.permissions import LINES, line_of
from trackers.text.wiki import to_wiki

KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]+-[1-9][0-9]*")
ADMINS = ("ADMINISTER", "SYSTEM_ADMIN")
REMEMBER_S = 600
LOOK_AT = 1000  # issues of ours that are looked at for a mark, newest first
RESOURCES = {"10": WEBHOOKS_10, "9": WEBHOOKS_9}

_remembered: dict[tuple[str, str, str], tuple[float, Any]] = {}  # (what, address, project) -> when, value
_edges: dict[tuple[str, str, str], dict[str, frozenset[str]]] = {}  # (address, project, type) -> status -> statuses


class JiraServerConnector(Connector):
    kind, label = "jira_server", "Jira Server / Data Center"
    features = Features(
        webhooks=True, subscribes=True, deletes_comments=True, marks=True, edits_comments=True,
        history=True, history_calls=0, priority=True, types=True, status="workflow", body="wiki", max_title=255, max_body=32_767,
        granularity_ms=1, index_lag_s=5,
    )  # fmt: skip
    settings_form = (
        Setting("token", "Personal access token", secret=True, required=False, help="From the proxy user's profile; preferred."),
        Setting("username", "User name", required=False, help="Only without a token."),
        Setting("password", "Password", secret=True, required=False, help="Only without a token."),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.client = JiraClient(settings)
        self.base = self.client.base

    # ------------------------------------------------------------------ instance
    def check(self, project: str = "") -> Account:
        info, me = self.client.server_info(), self.client.myself()
        if info.get("deploymentType") == "Cloud":
            raise Rejected("This address is a Jira Cloud site: choose Jira Cloud as its tracker", field="url")
        user = mapping.user_from(me)
        if user is None or not user.id:
            raise BadCredentials("Jira does not say who the proxy user is")
        granted = self.client.permissions(project)
        groups = tuple(group.get("name") or "" for group in (me.get("groups") or {}).get("items") or ())
        is_admin = any((granted.get(key) or {}).get("havePermission") for key in ADMINS) or "jira-administrators" in groups
        lines = tuple(line_of(line, granted, project, is_admin) for line in LINES)
        return Account(user, str(info.get("version") or ""), lines, groups, is_admin, me.get("timeZone") or "")

    def projects(self) -> Iterator[Project]:
        for raw in self.client.projects():
            yield Project(raw["key"], raw.get("name") or raw["key"], str(raw.get("id") or ""))

    def schema(self, project: str) -> Schema:
        statuses = {status.name: status for entry in self._statuses(project, fresh=True) for status in entry}
        types = self.client.issue_types(project)
        standard = next((entry for entry in types if not entry.get("subtask")), None)
        fields = [mapping.field_from(raw) for raw in self.client.create_fields(project, str(standard["id"]))] if standard else []
        priorities = next((field.options for field in fields if field.id == "priority" and field.options), None)
        users = (mapping.user_from(raw) for raw in self.client.assignable(project))
        return Schema(
            types=tuple(entry["name"] for entry in types if not entry.get("subtask")),
            statuses=tuple(statuses.values()),
            priorities=priorities or tuple(raw["name"] for raw in self.client.priorities()),
            users=tuple(user for user in users if user),
            fields=tuple(fields),
            default_type=standard["name"] if standard else "",
        )

    def find_user(self, email: str) -> User | None:
        """Only a single exact hit counts: Jira also finds by parts of names."""
        hits = [raw for raw in self.client.users(email) if (raw.get("emailAddress") or "").casefold() == email.casefold()]
        return mapping.user_from(hits[0]) if len(hits) == 1 else None

    # ------------------------------------------------------------------ finding and reading
    def search(self, query: str, cursor: str = "") -> Page[str]:
        start = int(cursor or 0)
        found = self.client.search(query, fields=["summary"], start=start)
        keys = tuple(raw["key"] for raw in found["issues"])
        return Page(keys, str(start + len(keys)), bool(keys) and start + len(keys) < int(found.get("total") or 0))

    def changes(self, project: str, cursor: str = "") -> Page[IssueEvent]:
        return changes.page(self.client, project, cursor, round(time.time() * 1000))

    def read(self, key: str, parts: Parts = Parts.ALL) -> Issue:
        """One call; in Service Management projects a second one tells internal notes from public comments."""
        wanted = list(READ) if Parts.FIELDS in parts else ["project", "updated"]
        wanted += ["comment"] if Parts.COMMENTS in parts and Parts.MARKS not in parts else []
        expand = ["transitions"] if Parts.FIELDS in parts else []
        expand += ["changelog"] if Parts.HISTORY in parts else []
        mark = MARK if Parts.MARKS in parts else ""
        raw = self.client.issue(key, fields=",".join(wanted), expand=",".join(expand), properties=mark)
        if Parts.COMMENTS in parts and self._comments_elsewhere(raw, parts):
            raw["fields"]["comment"] = {"comments": self.client.comments(str(raw["id"]))}
        return mapping.issue_from(raw, self.base, parts)

    @staticmethod
    def _comments_elsewhere(raw: Json, parts: Parts) -> bool:
        """Whether the comments inside the issue are missing, cut, or do not tell which are internal."""
        fields = raw.get("fields") or {}
        embedded = fields.get("comment") or {}
        service_desk = (fields.get("project") or {}).get("projectTypeKey") == "service_desk"
        cut = int(embedded.get("total") or 0) > len(embedded.get("comments") or ())
        return Parts.MARKS in parts or cut or (service_desk and bool(embedded.get("comments")))

    def find_by_mark(self, project: str, mark: str, since: int) -> Written | None:
        """Properties cannot be searched: each of our issues created since is asked for its own, newest first."""
        minutes = max(0, int(time.time() - since / 1000)) // 60 + 10  # ten for clocks that differ
        return self._find_marked(project, mark, f' AND created >= "-{minutes}m"')

    def _find_marked(self, project: str, mark: str, when: str) -> Written | None:
        jql = f'project = "{project}" AND creator = currentUser(){when} ORDER BY created DESC, id DESC'
        start = 0
        while start < LOOK_AT:
            found = self.client.search(jql, fields=["created"], start=start)
            for raw in found["issues"]:
                issue = self._marked(str(raw["id"]))
                if issue and issue.mark == mark:
                    return Written(issue.id, issue.key, issue.url, issue.stamp, issue=issue)
            start += len(found["issues"])
            if not found["issues"] or start >= int(found.get("total") or 0):
                break
        return None

    def _marked(self, issue_id: str) -> Issue | None:
        try:
            raw = self.client.issue(issue_id, fields=",".join(READ), properties=MARK)
        except NotFound:  # deleted since the search index was written
            return None
        return mapping.issue_from(raw, self.base, Parts.FIELDS)

    # ------------------------------------------------------------------ writing
    def create(self, project: str, fields: Mapping[str, Any], mark: str, *, repeat: bool = False) -> Written:
        """One call; a status costs two more, since Jira takes none at creation. When the workflow refuses it, the answer
        tells the status that the new issue has: raising would hide the issue that exists."""
        found = self._find_marked(project, mark, "") if repeat else None
        if found:
            return found
        values = {**fields, "type": fields.get("type") or self._default_type(project)}
        body = mapping.body_of({name: self._named(name, value) for name, value in values.items() if name == "assignee" or value})
        body["fields"]["project"] = {"key": project}
        body["properties"] = [{"key": MARK, "value": mark}]
        raw = self.client.create(body, project)
        blank = Issue(str(raw["id"]), raw["key"], self.issue_url(raw["key"]), project, mark=mark)
        issue = mapping.settled(blank, {name: value for name, value in values.items() if name != "status"})
        if fields.get("status"):
            issue = replace(issue, status=self._first_status(issue, fields["status"]))
        return Written(issue.id, issue.key, issue.url, issue=issue)

    def _first_status(self, issue: Issue, wanted: str) -> str:
        """Raises Unavailable, which leaves the creation in doubt, when not even the status can be read."""
        try:
            self._move(issue.id, issue.key, wanted, None)
        except TrackerError as error:
            try:
                return self._standing(issue.id).status
            except TrackerError:
                raise Unavailable(f"{issue.key} was created, but its status is not known: {error.message}") from error
        return wanted

    def update(self, key: str, fields: Mapping[str, Any], *, base: Issue | None = None) -> Written:
        """One PUT, and for the status a transition or several. Jira answers neither: what stands is `base` and what was sent."""
        plain = {name: self._named(name, value) for name, value in fields.items() if name != "status"}
        body = mapping.body_of(plain)
        if body.get("fields") or any((body.get("update") or {}).values()):
            self.client.edit(key, body)
        wanted = fields.get("status") or ""
        if wanted:
            self._move(key, base.key if base else key, wanted, base)
        if base is None:
            issue = self.read(key, Parts.FIELDS)
            return Written(issue.id, issue.key, issue.url, issue.stamp, issue=issue)
        issue = replace(mapping.settled(base, {**plain, **({"status": wanted} if wanted else {})}), stamp="")
        if wanted and wanted != base.status:
            issue = replace(issue, raw=None)  # its transitions are those of the status before
        return Written(issue.id, issue.key, issue.url, issue=issue)

    def _named(self, name: str, value: Any) -> Any:
        """Users are written by login, which may change: asked for by the key that does not where it is not known."""
        if name != "assignee" or not value or value.login:
            return value
        try:
            return mapping.user_from(self.client.user(value.id))
        except NotFound as error:
            raise Rejected(f"Jira has no user {value.name or value.id}", field="assignee") from error

    def comment(self, key: str, body: Doc, *, mark: str = "", edit: str = "", internal: bool = False) -> Written:
        if internal:
            raise Unsupported("Internal comments are not written to Jira Server")
        text = to_wiki(body)
        raw = self.client.edit_comment(key, edit, text) if edit else self.client.add_comment(key, text, mark)
        said = mapping.comment_from(raw)
        said = replace(said, mark=said.mark or ("" if edit else mark))
        return Written(said.id, key, comment=said)

    def remove_comment(self, key: str, comment_id: str) -> None:
        try:
            self.client.remove_comment(key, comment_id)
        except NotFound:
            return

    # ------------------------------------------------------------------ the workflow
    def _move(self, key: str, name: str, wanted: str, base: Issue | None) -> None:
        """Bring the issue to the status `wanted`. Raises Rejected with field "status" when no way leads there."""
        if base and base.status == wanted:
            return
        known = workflow.direct(workflow.transitions_from(base.raw if base else None), wanted)
        if known is None or not self._taken(key, known):
            self._walk(key, name, wanted)

    def _taken(self, key: str, known: workflow.Transition) -> bool:
        """Whether the transition that the snapshot offered could still be made; if not, the issue is looked at again."""
        try:
            self.client.transit(key, known.id, known.to)
        except (Rejected, NotFound, Stale):
            return False
        return True

    def _walk(self, key: str, name: str, wanted: str) -> None:
        issue, visited = self._standing(key), set[str]()
        start = here = issue.status
        for _ in range(workflow.MAX_STEPS):
            if here == wanted:
                return
            visited.add(here)
            offered = workflow.transitions_from(issue.raw)
            edges = self._learn(issue, offered)
            step = workflow.direct(offered, wanted) or self._step(issue, offered, wanted, visited, edges)
            if step is None:
                break
            self._take(key, name, step)
            if step.to == wanted:
                return
            issue = self._standing(key)
            here = issue.status
        offers = workflow.offers(workflow.transitions_from(issue.raw))
        stands = f' (it now is in "{here}")' if here != start else ""
        message = f'{name} cannot go from "{start}" to "{wanted}"{stands}: from "{here}" the workflow offers {offers}'
        raise Rejected(message, field="status")

    def _standing(self, key: str) -> Issue:
        raw = self.client.issue(key, fields="status,issuetype,project", expand="transitions,transitions.fields")
        return mapping.issue_from(raw, self.base, Parts.NONE)

    def _learn(self, issue: Issue, offered: tuple[workflow.Transition, ...]) -> dict[str, frozenset[str]]:
        edges = _edges.setdefault((self.base, issue.project, issue.type), {})
        edges[issue.status] = frozenset(transition.to for transition in offered)
        return edges

    def _step(
        self, issue: Issue, offered: tuple[workflow.Transition, ...], wanted: str, visited: set[str], edges: workflow.Edges
    ) -> workflow.Transition | None:
        ranks = {status.name: workflow.RANK[status.category] for entry in self._statuses(issue.project) for status in entry}
        if wanted not in ranks:
            return None
        there, here = ranks[wanted], ranks.get(issue.status, 0)
        return workflow.next_step(offered, wanted, visited=visited, edges=edges, here=here, there=there)

    def _take(self, key: str, name: str, step: workflow.Transition) -> None:
        try:
            self.client.transit(key, step.id, step.to)
        except Rejected as error:
            message = f'{name}: the transition "{step.name}" to "{step.to}" was refused. {error.message}'
            raise Rejected(message, field="status") from error

    def _statuses(self, project: str, *, fresh: bool = False) -> list[list[Status]]:
        """Of each issue type, its statuses."""

        def ask() -> list[list[Status]]:
            raw = self.client.statuses(project)
            return [[mapping.status_from(status) for status in entry.get("statuses") or ()] for entry in raw]

        found: list[list[Status]] = self._remembered("statuses", project, ask, fresh=fresh)
        return found

    def _default_type(self, project: str) -> str:
        """Of the settings, else the first that is no sub-task."""

        def ask() -> str:
            types = [entry["name"] for entry in self.client.issue_types(project) if not entry.get("subtask")]
            if not types:
                raise Forbidden(f"The proxy user may not create issues in {project}")
            return str(types[0])

        return str(self.settings.get("default_type") or self._remembered("type", project, ask))

    def _remembered(self, what: str, project: str, ask: Callable[[], Any], *, fresh: bool = False) -> Any:
        kept = _remembered.get((what, self.base, project))
        if kept and not fresh and time.monotonic() - kept[0] < REMEMBER_S:
            return kept[1]
        value = ask()
        _remembered[(what, self.base, project)] = (time.monotonic(), value)
        return value

    # ------------------------------------------------------------------ addresses
    def parse_key(self, text: str, project: str) -> str:
        text = text.strip()
        if text.isdigit() and project:
            return f"{project}-{int(text)}" if int(text) else ""
        if KEY.fullmatch(text):
            return text.upper()
        address = urlsplit(text)
        base = urlsplit(self.base)
        if (address.scheme, address.netloc.lower()) != (base.scheme, base.netloc.lower()):
            return ""
        path = address.path.rstrip("/")
        if not path.startswith(f"{base.path}/"):
            return ""
        named = [path.rpartition("/")[2], *parse_qs(address.query).get("selectedIssue", [])]
        return next((name.upper() for name in reversed(named) if KEY.fullmatch(name)), "")

    def issue_url(self, key: str) -> str:
        return f"{self.base}/browse/{key}"

    # ------------------------------------------------------------------ webhooks
    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[IssueEvent, ...]:
        """`settings["webhook_unsigned"]`: a 9.x Jira, which cannot sign; its deliveries are known by the random address."""
        unsigned = self.settings.get("webhook_unsigned") is True
        webhook.verify(headers, body, self.settings.get("webhook_secret") or "", unsigned=unsigned)
        return webhook.parse(body)

    def subscribe(self, project: str, url: str, secret: str) -> Subscription:
        """The id begins with "10:" or "9:": which of Jira's two resources keeps it. A "9:" one is never signed."""
        path, registered = self.client.webhooks()
        old = next((raw for raw in registered if raw.get("url") == url), None)
        new = webhook.registration(project, url, secret) if path == WEBHOOKS_10 else webhook.registration_9(project, url)
        raw = self.client.put_webhook(path, webhook.id_of(old) if old else "", new)
        generation = "10" if path == WEBHOOKS_10 else "9"
        active = raw.get("active", raw.get("enabled", True)) is not False
        return Subscription(f"{generation}:{webhook.id_of(raw) or webhook.id_of(old or {})}", url, active)

    def unsubscribe(self, project: str, subscription: Subscription) -> None:
        generation, _, webhook_id = subscription.id.partition(":")
        try:
            self.client.delete_webhook(RESOURCES[generation], webhook_id)
        except NotFound:
            return
