"""Jira Server's deliveries: verify, then parse into IssueEvents. PURE. 10.x signs when a secret is set; 9.x cannot."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from exalate.errors import WebhookRefused
from trackers.connector import IssueEvent
from trackers.issue import Parts, User
from trackers.jira_server.mapping import user_from

log = logging.getLogger(__name__)
Json = dict[str, Any]

COMMENT_TYPES = ("issue_commented", "issue_comment_edited", "issue_comment_deleted")
_ISSUE_IN_SELF = re.compile(r"/issue/(\d+)/comment/\d+$")


def verify(headers: Mapping[str, str], body: bytes, secret: str, *, unsigned: bool) -> None:
    """Raises WebhookRefused. `unsigned`: the instance cannot sign, the random address is what it knows of us."""
    given = {name.lower(): value for name, value in headers.items()}.get("x-hub-signature", "")
    if not given and unsigned:
        return
    wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise WebhookRefused("The delivery's signature is missing or wrong")


def parse(body: bytes) -> tuple[IssueEvent, ...]:
    """The events in a verified delivery; () for those that do not matter. Raises WebhookRefused when it is not Jira's shape."""
    try:
        raw = json.loads(body)
        name = raw["webhookEvent"]
        handler = EVENTS.get(name)
        if handler is not None:
            return handler(name, raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WebhookRefused("The delivery is not in the shape of a Jira webhook") from error
    if not str(name).startswith(IGNORED):
        log.info("unknown webhook event %.80s of Jira", name)
    return ()


def _issue_event(name: str, raw: Json) -> tuple[IssueEvent, ...]:
    issue, parts = raw["issue"], _parts(raw)
    fields: Json = issue.get("fields") or {}
    return (
        IssueEvent(
            kind=name,
            issue_id=str(issue["id"]),
            key=issue.get("key") or "",
            project=(fields.get("project") or {}).get("key") or "",
            parts=parts,
            by=user_from(raw.get("user")) or _comment_author(raw),
            at=int(raw.get("timestamp") or 0),
            # the snapshot beside a comment is older than the comment: its time says nothing
            stamp=(fields.get("updated") or "") if parts == Parts.FIELDS else "",
            delivery=delivery_of(name, raw),
        ),
    )


def _parts(raw: Json) -> Parts:
    """Old versions omit issue_event_type_name: then presence of a changelog and of a comment tell."""
    items = (raw.get("changelog") or {}).get("items") or ()
    commented = raw.get("comment") is not None or raw.get("issue_event_type_name") in COMMENT_TYPES
    commented = commented or any(item.get("field") == "Comment" for item in items)
    changed = any(item.get("field") != "Comment" for item in items)
    if commented:
        return Parts.ALL if changed else Parts.COMMENTS
    return Parts.FIELDS if changed else Parts.ALL


def _comment_event(name: str, raw: Json) -> tuple[IssueEvent, ...]:
    """Bare comment events name no issue: its id stands in the comment's own address only."""
    comment, issue = raw["comment"], raw.get("issue") or {}
    found = _ISSUE_IN_SELF.search(comment.get("self") or "")
    issue_id = str(issue.get("id") or (found.group(1) if found else ""))
    if not issue_id:
        raise KeyError("issue")
    # whoever wrote a comment last need not be the one who deleted it
    by = user_from(raw.get("user")) or (None if name == "comment_deleted" else _comment_author(raw))
    at = int(raw.get("timestamp") or 0)
    key = issue.get("key") or ""
    return (IssueEvent(name, issue_id, key, key.rpartition("-")[0], Parts.COMMENTS, by, at, delivery=delivery_of(name, raw)),)


def _comment_author(raw: Json) -> User | None:
    comment = raw.get("comment") or {}
    return user_from(comment.get("updateAuthor") or comment.get("author"))


def delivery_of(name: str, raw: Json) -> str:
    """Jira numbers no deliveries: a repeated one has the same content, so the content names it."""
    comment = raw.get("comment") or {}
    seen = (
        name,
        (raw.get("issue") or {}).get("id"),
        (raw.get("changelog") or {}).get("id"),
        comment.get("id"),
        comment.get("updated"),
        raw.get("issue_event_type_name"),
        raw.get("timestamp"),
    )
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]


EVENTS: Mapping[str, Callable[[str, Json], tuple[IssueEvent, ...]]] = {
    "jira:issue_created": _issue_event,
    "jira:issue_updated": _issue_event,
    "jira:issue_deleted": _issue_event,
    "comment_created": _comment_event,
    "comment_updated": _comment_event,
    "comment_deleted": _comment_event,
}
# ignored on purpose: not synced, or told by jira:issue_updated as well
IGNORED = (
    "jira:worklog_", "worklog_", "attachment_", "issuelink_", "issue_property_", "jira:version_", "project_", "user_",
    "sprint_", "board_", "option_",
)  # fmt: skip


def registration(project: str, url: str, secret: str) -> Json:
    """What to register with a 10.x Jira: every value of the configuration is a string."""
    configuration = {"FILTERS": json.dumps(_filters(project)), "EXCLUDE_BODY": "false", "SECRET": secret}
    events = list(EVENTS)
    common: Json = {"name": f"Exalate {project}", "url": url, "events": events, "active": True}
    return {**common, "configuration": configuration, "sslVerificationRequired": True}


def registration_9(project: str, url: str) -> Json:
    """What to register with a 9.x Jira, which cannot sign."""
    return {"name": f"Exalate {project}", "url": url, "events": list(EVENTS), "filters": _filters(project), "excludeBody": False}


def _filters(project: str) -> dict[str, str]:
    return {"issue-related-events-section": f'project = "{project}"'}


def id_of(raw: Json) -> str:
    """10.x tells an id; 9.x only an address that ends in it."""
    return str(raw.get("id") or (raw.get("self") or "").rstrip("/").rpartition("/")[2])
