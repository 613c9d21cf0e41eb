"""What people and programs do to Jira issues; each leaves history and sends webhooks. Pages and API both come here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trackers.sandbox.jira_server import catalogue, hooks
from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

LOGGED = ("summary", "description", "environment", "duedate", "labels", "assignee", "reporter", "priority", "type")


def now() -> int:
    return time.time_ns() // 1_000_000


def create_issue(tracker: JiraServer, by: str, fields: Doc, properties: Doc | None = None) -> Doc:
    """`fields`: project, type and summary, and what else is given; all checked."""
    project, at = tracker.projects[fields["project"]], now()
    number = tracker.store.next(f"number-{project['id']}")
    issue = {
        "id": str(tracker.store.next("issue", 10_000)),
        "key": f"{project['key']}-{number}",
        "project": project["id"],
        "number": number,
        "type": fields["type"],
        "status": catalogue.FIRST_STATUS,
        "priority": fields.get("priority", catalogue.DEFAULT_PRIORITY),
        "summary": fields["summary"],
        "description": fields.get("description"),
        "environment": fields.get("environment"),
        "duedate": fields.get("duedate"),
        "labels": fields.get("labels", []),
        "assignee": fields.get("assignee"),
        "reporter": fields.get("reporter", by),
        "creator": by,
        "resolved": None,
        "created": at,
        "updated": at,
        "properties": properties or {},
    }
    tracker.keep_issue(issue)
    hooks.issue_created(tracker, issue, by)
    return issue


def edit_issue(tracker: JiraServer, by: str, issue: Doc, fields: Doc) -> None:
    """Change what differs; an edit that changes nothing leaves no history, no webhook and no new time stamp."""
    changed = [name for name in LOGGED if name in fields and fields[name] != issue[name]]
    items = [_item(tracker, name, issue[name], fields[name]) for name in changed]
    if not items:
        return
    issue |= {name: fields[name] for name in changed}
    hooks.issue_updated(tracker, issue, by, "issue_updated", changes=_log(tracker, issue, by, items))


def move(tracker: JiraServer, by: str, issue: Doc, transition: str) -> None:
    """Carry out a transition; entering Done sets the resolution, leaving it clears it."""
    target = catalogue.TRANSITIONS[transition][1]
    if target == issue["status"]:
        return
    items = [_item(tracker, "status", issue["status"], target)]
    resolved = now() if target == catalogue.DONE else None
    if bool(resolved) != bool(issue["resolved"]):
        done = catalogue.RESOLUTION
        names = [(None, None), (done["id"], done["name"])]
        items.append(_change("resolution", *(names if resolved else names[::-1])))
    issue |= {"status": target, "resolved": resolved}
    hooks.issue_updated(tracker, issue, by, "issue_generic", changes=_log(tracker, issue, by, items))


def delete_issue(tracker: JiraServer, by: str, issue: Doc) -> None:
    hooks.issue_deleted(tracker, issue, by)
    tracker.forget_issue(issue)


def comment(
    tracker: JiraServer, by: str, issue: Doc, body: str, *, properties: Doc | None = None, visibility: Doc | None = None
) -> Doc:
    at = now()
    doc = {
        "id": str(tracker.store.next("comment", 10_100)),
        "issue": issue["id"],
        "author": by,
        "update_author": by,
        "body": body,
        "created": at,
        "updated": at,
        "visibility": visibility,
        "properties": properties or {},
    }
    tracker.keep_comment(doc)
    _touch(tracker, issue)
    hooks.comment_event(tracker, issue, doc, by, "comment_created", "issue_commented")
    return doc


def edit_comment(
    tracker: JiraServer, by: str, doc: Doc, body: str, *, properties: Doc | None = None, visibility: Doc | None = None
) -> Doc:
    issue = tracker.issues[doc["issue"]]
    doc |= {"properties": {**doc["properties"], **(properties or {})}, "visibility": visibility}
    doc |= {"body": body, "update_author": by, "updated": now()}
    tracker.store.put("comments", doc["id"], doc)
    _touch(tracker, issue)
    hooks.comment_event(tracker, issue, doc, by, "comment_updated", "issue_comment_edited")
    return doc


def delete_comment(tracker: JiraServer, by: str, doc: Doc) -> None:
    issue = tracker.issues[doc["issue"]]
    tracker.forget_comment(doc)
    _touch(tracker, issue)
    hooks.comment_event(tracker, issue, doc, by, "comment_deleted", "issue_comment_deleted")


def set_property(tracker: JiraServer, issue: Doc, key: str, value: Any) -> bool:
    """True when the property is new. `updated` does not move."""
    new = key not in issue["properties"]
    issue["properties"][key] = value
    tracker.store.put("issues", issue["id"], issue)
    return new


def drop_property(tracker: JiraServer, issue: Doc, key: str) -> None:
    del issue["properties"][key]
    tracker.store.put("issues", issue["id"], issue)


def _touch(tracker: JiraServer, issue: Doc) -> None:
    issue["updated"] = now()
    tracker.store.put("issues", issue["id"], issue)


def _log(tracker: JiraServer, issue: Doc, by: str, items: list[Doc]) -> Doc:
    doc = {"id": str(tracker.store.next("history", 10_200)), "issue": issue["id"], "author": by, "created": now(), "items": items}
    tracker.keep_history(doc)
    _touch(tracker, issue)
    return doc


def _item(tracker: JiraServer, name: str, before: Any, after: Any) -> Doc:
    shown = [_named(tracker, name, value) for value in (before, after)]
    return _change("issuetype" if name == "type" else name, *shown)


def _change(field: str, before: tuple[str | None, str | None], after: tuple[str | None, str | None]) -> Doc:
    return {
        "field": field,
        "fieldtype": "jira",
        "from": before[0],
        "fromString": before[1],
        "to": after[0],
        "toString": after[1],
    }


def _named(tracker: JiraServer, name: str, value: Any) -> tuple[str | None, str | None]:
    """The id and the text that a history item gives for a value."""
    if value in (None, ""):
        return None, None
    if name in ("assignee", "reporter"):
        person = tracker.user(value)
        return person["key"], person["display"]
    table: dict[str, dict[str, tuple[Any, ...]]] = {
        "priority": catalogue.PRIORITIES,
        "type": catalogue.TYPES,
        "status": catalogue.STATUSES,
    }
    if name in table:
        return value, table[name][value][0]
    if name == "labels":
        return None, " ".join(value)
    return (value if name == "duedate" else None), value
