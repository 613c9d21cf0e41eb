"""GitHub Issues (github.com, Enterprise Cloud and Server) as a Connector. Endpoints: client.py; JSON: mapping.py;
deliveries: webhook.py. Keys are owner/repo#12; GitHub reads no issue by its immutable id, so the key addresses it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from exalate.errors import Forbidden, NotFound, Rejected, UnexpectedAnswer
from trackers.connector import (
    Account,
    Connector,
    Features,
    IssueEvent,
    Page,
    Permission,
    Project,
    Schema,
    Setting,
    Subscription,
    Written,
)
from trackers.github import mapping, webhook
from trackers.github.client import PAGE, GitHubClient, an_object
from trackers.github.mapping import Json
from trackers.issue import Comment, Doc, Issue, Parts, SetChange, User

KEY = re.compile(r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)#([1-9][0-9]*)")
PAGE_PATH = re.compile(r"/([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/issues/([1-9][0-9]*)/?")
OVERLAP_MS = 60_000  # time stamps are whole seconds and replicas lag: look back a minute
YOUNG_MS = 3_000
NONE_HERE = "GitHub issues have none: not needed."


class GitHubConnector(Connector):
    kind, label = "github", "GitHub"
    features = Features(
        webhooks=True,
        subscribes=True,
        deletes_comments=True,
        marks=True,
        edits_comments=True,
        history=True,
        status="open_closed",
        body="markdown",
        max_title=mapping.MAX_TITLE,
        max_body=mapping.MAX_BODY,
        index_lag_s=5,
    )
    settings_form = (
        Setting(
            "token",
            "Access token",
            secret=True,
            help="A fine-grained token of the proxy user with Issues and Webhooks (read and write) on the repositories.",
        ),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.client = GitHubClient(settings)
        self.base = self.client.base

    # ------------------------------------------------------------------ instance
    def check(self, project: str = "") -> Account:
        answer = self.client.user()
        me = an_object(answer)
        user = mapping.user_from(me)
        if user is None or not user.login:
            raise UnexpectedAnswer("The address answered with something that is not GitHub's data.", field="url")
        scopes, expires = answer.headers.get("X-OAuth-Scopes"), answer.headers.get("github-authentication-token-expiration")
        notes = [f"Scopes of the token: {scopes}"] if scopes else []
        notes += [f"The token expires on {expires}"] if expires else []
        version = str(self.client.meta().get("installed_version") or "github.com")
        rights = self._rights(project)
        return Account(user, version, tuple(_lines(rights, project)), (), bool(me.get("site_admin")), "UTC", tuple(notes))

    def _rights(self, project: str) -> Json | None:
        return dict(self.client.repo(project).get("permissions") or {}) if project else None

    def projects(self) -> Iterator[Project]:
        for raw in self.client.repos():
            if raw.get("has_issues", True) and not raw.get("archived"):
                yield Project(raw["full_name"], raw.get("description") or raw["full_name"], str(raw["id"]))

    def schema(self, project: str) -> Schema:
        self.client.repo(project)
        users = tuple(user for user in map(mapping.user_from, self.client.assignees(project)) if user)
        return Schema(statuses=mapping.STATUSES, users=users, default_status=mapping.OPEN)

    def find_user(self, email: str) -> User | None:
        """GitHub finds nobody by a private address, so people are mapped by login."""
        return None

    # ------------------------------------------------------------------ finding and reading
    def search(self, query: str, cursor: str = "") -> Page[str]:
        """GitHub's own search language; `is:issue` is added. At most 1,000 results, as GitHub gives."""
        page = int(cursor or 1)
        found = self.client.search(query if "is:issue" in query else f"{query} is:issue", page)
        keys = tuple(self._key_of(raw) for raw in found.get("items") or ())
        more = len(keys) == PAGE and page * PAGE < min(int(found.get("total_count") or 0), 1000)
        return Page(keys, str(page + 1) if more else "", more)

    def _key_of(self, raw: Json) -> str:
        repo = "/".join(str(raw["repository_url"]).rstrip("/").split("/")[-2:])
        return f"{repo}#{raw['number']}"

    def changes(self, project: str, cursor: str = "") -> Page[IssueEvent]:
        """The cursor: the newest time seen, what was seen within the overlap before it, and the page that comes next."""
        state: Json = json.loads(cursor) if cursor else {"at": 0, "seen": {}, "next": ""}
        raws, following = self._changed(project, state)
        if not cursor:
            newest = max((mapping.time_from(raw["updated_at"]) for raw in raws), default=0)
            return Page((), json.dumps({"at": newest, "seen": _seen(raws, newest), "next": ""}))
        new = [raw for raw in raws if state["seen"].get(str(raw["id"])) != raw["updated_at"] and not raw.get("pull_request")]
        newest = max([int(state["at"]), *(mapping.time_from(raw["updated_at"]) for raw in raws)])
        seen = {number: stamp for number, stamp in state["seen"].items() if mapping.time_from(stamp) >= newest - 2 * OVERLAP_MS}
        after = json.dumps({"at": newest, "seen": {**seen, **_seen(raws, newest)}, "next": following})
        return Page(tuple(self._event(project, raw) for raw in new), after, bool(following))

    def _changed(self, project: str, state: Json) -> tuple[list[Json], str]:
        if state["next"]:
            return self.client.page(state["next"])
        if not state["at"]:
            params = {"state": "all", "sort": "updated", "direction": "desc", "per_page": PAGE}
            raws, _ = self.client.issues(project, params)
            return raws, ""
        since = _iso(int(state["at"]) - OVERLAP_MS)
        return self.client.issues(
            project, {"state": "all", "sort": "updated", "direction": "asc", "since": since, "per_page": PAGE}
        )

    def _event(self, project: str, raw: Json) -> IssueEvent:
        at = mapping.time_from(raw["updated_at"])
        return IssueEvent("updated", str(raw["id"]), f"{project}#{raw['number']}", project, at=at, stamp=raw["updated_at"])

    def read(self, key: str, parts: Parts = Parts.ALL) -> Issue:
        """FIELDS one call, COMMENTS one a page (none when the issue was read and has none), HISTORY one a page."""
        repo, number = self._address(key)
        if Parts.FIELDS in parts or not parts & Parts.ALL:
            raw = self.client.issue(repo, number)
            repo = "/".join(str(raw.get("repository_url") or f"/{repo}").rstrip("/").split("/")[-2:])
            issue = mapping.issue_from(raw, repo, self.issue_url(key), parts)
        else:
            raw, issue = {}, Issue("", key, self.issue_url(key), repo, parts=parts)
        comments: tuple[Comment, ...] | None = None
        if Parts.COMMENTS in parts:
            none = raw.get("comments") == 0
            comments = () if none else tuple(map(mapping.comment_from, self.client.comments(repo, number)))
        history = tuple(mapping.changes_from(self.client.events(repo, number))) if Parts.HISTORY in parts else None
        return replace(issue, comments=comments, history=history)

    def find_by_mark(self, project: str, mark: str, since: int) -> Written | None:
        """Our issues of this repository since then, newest first. The listing is consistent; the search is not."""
        params = {"state": "all", "sort": "created", "direction": "desc", "per_page": PAGE, "creator": self._login()}
        raws, following = self.client.issues(project, params)
        while True:
            for raw in raws:
                if mapping.split_mark(raw.get("body"))[1] == mark and not raw.get("pull_request"):
                    return self._written(project, raw)
            if not following or (raws and mapping.time_from(raws[-1]["created_at"]) < since):
                return None
            raws, following = self.client.page(following)

    def _login(self) -> str:
        return str(self.settings.get("proxy_login") or self.client.user().body["login"])

    # ------------------------------------------------------------------ writing
    def create(self, project: str, fields: Mapping[str, Any], mark: str, *, repeat: bool = False) -> Written:
        """One call; a closed status costs a second one, since GitHub creates open issues."""
        found = self.find_by_mark(project, mark, 0) if repeat else None
        if found:
            return found
        status = fields.get("status") or mapping.OPEN
        state = mapping.body_of({"status": status}, None)
        body = mapping.body_of({name: value for name, value in fields.items() if name != "status" and value}, None, mark)
        raw = self.client.create(project, body)
        if status != mapping.OPEN:
            raw = self.client.edit(project, str(raw["number"]), state)
        return self._written(project, raw)

    def update(self, key: str, fields: Mapping[str, Any], *, base: Issue | None = None) -> Written:
        """One PATCH. Labels alone are added and removed one by one, which leaves other people's labels alone whatever
        happens meanwhile; together with other fields they are part of the PATCH, computed from `base`."""
        repo, number = self._address(key)
        if set(fields) == {"labels"} and isinstance(fields["labels"], SetChange):
            return self._relabel(key, repo, number, fields["labels"], base)
        if base is None and {"labels", "assignee", "description"} & set(fields):
            base = self.read(key, Parts.FIELDS)
        body = mapping.body_of(fields, base)
        if (
            base
            and body.get("state") == "closed"
            and base.raw
            and base.raw.get("state") == "closed"
            and base.status != fields["status"]
        ):
            self.client.edit(repo, number, {"state": "open"})  # a reason is only taken together with a change of state
        raw = self.client.edit(repo, number, body)
        self._nothing_dropped(key, body, raw)
        return self._written(repo, raw)

    def _relabel(self, key: str, repo: str, number: str, change: SetChange, base: Issue | None) -> Written:
        if change.add:
            self.client.add_labels(repo, number, sorted(change.add))
        for label in sorted(change.remove):
            self.client.remove_label(repo, number, label)
        stands = (
            replace(base, labels=(base.labels - set(change.remove)) | set(change.add), stamp="")
            if base
            else self.read(key, Parts.FIELDS)
        )
        return Written(stands.id, key, stands.url, issue=stands)

    def _nothing_dropped(self, key: str, sent: Json, raw: Json) -> None:
        field = mapping.dropped(sent, raw)
        if field == "assignee":
            raise Rejected(
                f"GitHub did not assign {', '.join(sent['assignees'])} to {key}: not a collaborator of the repository",
                field=field,
            )
        if field:
            raise Forbidden(
                f"GitHub left out the {field} of {key}: the proxy user needs write access to the repository", field=field
            )

    def comment(self, key: str, body: Doc, *, mark: str = "", edit: str = "", internal: bool = False) -> Written:
        if internal:
            raise Rejected("GitHub has no internal comments; this one is not sent", field="comment")
        repo, number = self._address(key)
        text = mapping.text_of(body, "comment", mark)
        raw = self.client.edit_comment(repo, edit, text) if edit else self.client.add_comment(repo, number, text)
        said = mapping.comment_from(raw)
        return Written(said.id, key, stamp=raw.get("updated_at") or "", comment=said)

    def remove_comment(self, key: str, comment_id: str) -> None:
        try:
            self.client.remove_comment(self._address(key)[0], comment_id)
        except NotFound:
            return

    def _written(self, repo: str, raw: Json) -> Written:
        key = f"{repo}#{raw['number']}"
        issue = mapping.issue_from(raw, repo, self.issue_url(key), Parts.FIELDS)
        return Written(issue.id, key, issue.url, issue.stamp, issue=issue)

    # ------------------------------------------------------------------ addresses
    def _address(self, key: str) -> tuple[str, str]:
        found = KEY.fullmatch(key)
        if found is None:
            raise NotFound(f"“{key}” is not the key of a GitHub issue (owner/repository#12)")
        return found.group(1), found.group(2)

    def parse_key(self, text: str, project: str) -> str:
        text = text.strip()
        if project and re.fullmatch(r"#?[1-9][0-9]*", text):
            return f"{project}#{text.removeprefix('#')}"
        if KEY.fullmatch(text):
            return text
        page, pages = urlsplit(text), urlsplit(self.client.pages)
        if (page.scheme, page.netloc.lower()) != (pages.scheme, pages.netloc.lower()):
            return ""
        found = PAGE_PATH.fullmatch(page.path.removeprefix(pages.path))
        return f"{found.group(1)}#{found.group(2)}" if found else ""

    def issue_url(self, key: str) -> str:
        repo, _, number = key.partition("#")
        return f"{self.client.pages}/{repo}/issues/{number}"

    # ------------------------------------------------------------------ webhooks
    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[IssueEvent, ...]:
        webhook.verify(headers, body, self.settings.get("webhook_secret") or "")
        return webhook.parse(headers, body)

    def subscribe(self, project: str, url: str, secret: str) -> Subscription:
        body = {
            "name": "web",
            "active": True,
            "events": list(webhook.SUBSCRIBED),
            "config": {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"},
        }
        old = next((raw for raw in self.client.hooks(project) if (raw.get("config") or {}).get("url") == url), None)
        changed = {name: value for name, value in body.items() if name != "name"}
        raw = self.client.edit_hook(project, str(old["id"]), changed) if old else self.client.create_hook(project, body)
        return Subscription(str(raw["id"]), url, bool(raw.get("active", True)))

    def unsubscribe(self, project: str, subscription: Subscription) -> None:
        try:
            self.client.remove_hook(project, subscription.id)
        except NotFound:
            return


def _seen(raws: list[Json], newest: int) -> dict[str, str]:
    """What need not be told again: not what is so young that another edit may still share its second."""
    young = time.time() * 1000 - YOUNG_MS
    stamps = {str(raw["id"]): raw["updated_at"] for raw in raws}
    return {number: stamp for number, stamp in stamps.items() if newest - 2 * OVERLAP_MS <= mapping.time_from(stamp) < young}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(max(ms, 0) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(rights: Json | None, project: str) -> Iterator[Permission]:
    """Each permission of the product in turn. GitHub tells them per repository."""
    where = f"in {project}" if project else "in the repository"
    push = None if rights is None else bool(rights.get("push"))
    triage = None if rights is None else bool(rights.get("push") or rights.get("triage"))
    admin = None if rights is None else bool(rights.get("admin"))
    write = f"Give the proxy user the role Write {where}, and its token Issues: read and write."
    yield Permission("Create issue", push, "always", write)
    yield Permission("Edit issue", push, "always", write)
    yield Permission("Transition issue", triage, "always", write)
    yield Permission("Add comments", push, "comments", write)
    yield Permission("Edit comments", push, "comments", write)
    yield Permission("Delete comments", push, "comments", write)
    yield Permission(
        "Register webhooks", admin, "webhooks", f"Give the proxy user the role Admin {where}, or let changes be polled."
    )
    for name, need in (("Link issue", "links"), ("Add attachments", "attachments"), ("Delete attachments", "attachments")):
        yield Permission(name, None, need, NONE_HERE)
    for name, need in (("Work logs", "worklogs"), ("Security level", "security"), ("Service-desk agent", "service_desk")):
        yield Permission(name, None, need, NONE_HERE)
