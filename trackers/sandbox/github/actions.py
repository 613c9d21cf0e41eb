"""What people and programs do to GitHub issues; each leaves events and sends webhooks. Pages and API both come here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trackers.sandbox.github import hooks, render
from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.github.tracker import GitHub


def now() -> int:
    return time.time_ns() // 1_000_000


def create_issue(tracker: GitHub, by: str, repo: Doc, fields: Doc) -> Doc:
    """`fields`: title, body, labels (names), assignees (logins), all checked."""
    number, at = tracker.store.next(f"number-{repo['id']}"), now()
    issue = {
        "id": tracker.store.next("issue", 3_000_000_001),
        "repo": repo["id"],
        "number": number,
        "title": fields["title"],
        "body": fields.get("body"),
        "user": by,
        "state": "open",
        "state_reason": None,
        "labels": [],
        "assignees": [],
        "locked": False,
        "lock_reason": None,
        "created": at,
        "updated": at,
        "closed": None,
        "closed_by": None,
        "deleted": False,
    }
    tracker.keep_issue(issue)
    sent = _set_labels(tracker, by, issue, fields.get("labels", [])) + _set_assignees(
        tracker, by, issue, fields.get("assignees", [])
    )
    for action, extra in [("opened", {}), *sent]:
        _tell(tracker, issue, action, by, extra)
    return issue


def edit_issue(tracker: GitHub, by: str, issue: Doc, fields: Doc) -> Doc:
    """Change what differs; an edit that changes nothing leaves no event, no webhook and no new time stamp."""
    sent = _set_texts(tracker, by, issue, fields)
    if "labels" in fields:
        sent += _set_labels(tracker, by, issue, fields["labels"])
    if "assignees" in fields:
        sent += _set_assignees(tracker, by, issue, fields["assignees"])
    if fields.get("state") and fields["state"] != issue["state"]:
        sent += _set_state(tracker, by, issue, fields["state"], fields.get("state_reason"))
    if sent:
        _touch(tracker, issue)
    for action, extra in sent:
        _tell(tracker, issue, action, by, extra)
    return issue


def delete_issue(tracker: GitHub, by: str, issue: Doc) -> None:
    _tell(tracker, issue, "deleted", by, {})
    issue["deleted"] = True
    _touch(tracker, issue)
    for comment in list(tracker.comments_of.get(issue["id"], ())):
        tracker.forget_comment(comment)


def lock(tracker: GitHub, by: str, issue: Doc, locked: bool, reason: str | None = None) -> None:
    if issue["locked"] == locked:
        return
    issue["locked"], issue["lock_reason"] = locked, reason
    action = "locked" if locked else "unlocked"
    _note(tracker, issue, by, action, lock_reason=reason)
    _touch(tracker, issue)
    _tell(tracker, issue, action, by, {})


def comment(tracker: GitHub, by: str, issue: Doc, body: str) -> Doc:
    at = now()
    doc = {
        "id": tracker.store.next("comment", 2_000_000_001),
        "issue": issue["id"],
        "user": by,
        "body": body,
        "created": at,
        "updated": at,
    }
    tracker.keep_comment(doc)
    _touch(tracker, issue)
    _tell_comment(tracker, issue, doc, "created", by)
    return doc


def edit_comment(tracker: GitHub, by: str, doc: Doc, body: str) -> Doc:
    if body == doc["body"]:
        return doc
    issue, before = tracker.issues[doc["issue"]], doc["body"]
    doc |= {"body": body, "updated": now()}
    tracker.store.put("comments", doc["id"], doc)
    _touch(tracker, issue)
    _tell_comment(tracker, issue, doc, "edited", by, {"changes": {"body": {"from": before}}})
    return doc


def delete_comment(tracker: GitHub, by: str, doc: Doc) -> None:
    issue = tracker.issues[doc["issue"]]
    tracker.forget_comment(doc)
    _touch(tracker, issue)
    _tell_comment(tracker, issue, doc, "deleted", by)


def ensure_label(tracker: GitHub, by: str, repo: Doc, name: str, color: str = "ededed", description: str | None = None) -> Doc:
    """The label of that name, whatever its case; made when there is none."""
    found = tracker.label(repo["id"], name)
    if found:
        return found
    doc = {
        "id": tracker.store.next("label", 5_000_000_001),
        "repo": repo["id"],
        "name": name,
        "color": color,
        "default": False,
        "description": description,
    }
    tracker.keep_label(doc)
    hooks.emit(tracker, repo, "label", "created", by, lambda links: {"label": render.label(links, repo, doc)})
    return doc


Sent = list[tuple[str, Doc]]  # webhook actions still to be sent, each with what it adds to the payload


def _set_texts(tracker: GitHub, by: str, issue: Doc, fields: Doc) -> Sent:
    changes: dict[str, Any] = {}
    if "title" in fields and fields["title"] != issue["title"]:
        changes["title"] = {"from": issue["title"]}
        _note(tracker, issue, by, "renamed", rename={"from": issue["title"], "to": fields["title"]})
        issue["title"] = fields["title"]
    if "body" in fields and fields["body"] != issue["body"]:
        changes["body"] = {"from": issue["body"] or ""}
        issue["body"] = fields["body"]
    return [("edited", {"changes": changes})] if changes else []


def _set_labels(tracker: GitHub, by: str, issue: Doc, names: list[str]) -> Sent:
    repo = tracker.repos[issue["repo"]]
    wanted = [ensure_label(tracker, by, repo, name) for name in names]
    before, after = list(issue["labels"]), [label["id"] for label in wanted]
    issue["labels"] = after
    sent = []
    for gone in [one for one in before if one not in after]:
        sent.append(_label_event(tracker, by, issue, "unlabeled", tracker.labels[gone]))
    for label in [one for one in wanted if one["id"] not in before]:
        sent.append(_label_event(tracker, by, issue, "labeled", label))
    tracker.store.put("issues", issue["id"], issue)
    return sent


def _label_event(tracker: GitHub, by: str, issue: Doc, event: str, label: Doc) -> tuple[str, Doc]:
    _note(tracker, issue, by, event, label={"name": label["name"], "color": label["color"]})
    return event, {"label": label}


def _set_assignees(tracker: GitHub, by: str, issue: Doc, logins: list[str]) -> Sent:
    repo = tracker.repos[issue["repo"]]
    after = [login for login in logins if tracker.is_assignable(login, repo)]  # others are dropped without a word
    before, issue["assignees"] = list(issue["assignees"]), after
    sent = []
    for event, changed in (
        ("unassigned", [one for one in before if one not in after]),
        ("assigned", [one for one in after if one not in before]),
    ):
        for login in changed:
            _note(tracker, issue, by, event, assignee=login)
            sent.append((event, {"assignee": login}))
    tracker.store.put("issues", issue["id"], issue)
    return sent


def _set_state(tracker: GitHub, by: str, issue: Doc, state: str, reason: str | None) -> Sent:
    issue["state"] = state
    if state == "closed":
        issue |= {"state_reason": reason or "completed", "closed": now(), "closed_by": by}
        _note(tracker, issue, by, "closed", state_reason=issue["state_reason"])
        return [("closed", {})]
    issue |= {"state_reason": "reopened", "closed": None, "closed_by": None}
    _note(tracker, issue, by, "reopened", state_reason=None)
    return [("reopened", {})]


def _touch(tracker: GitHub, issue: Doc) -> None:
    issue["updated"] = now()
    tracker.store.put("issues", issue["id"], issue)


def _note(tracker: GitHub, issue: Doc, by: str, event: str, **extra: Any) -> None:
    doc = {"id": tracker.store.next("event", 7_000_000_001), "issue": issue["id"], "event": event, "actor": by, "created": now()}
    tracker.keep_event({**doc, **extra})


def _tell(tracker: GitHub, issue: Doc, action: str, by: str, extra: Doc) -> None:
    repo = tracker.repos[issue["repo"]]

    def payload(links: render.Links) -> Doc:
        shown = {"issue": render.issue(tracker, links, issue), **extra}
        if "label" in extra:
            shown["label"] = render.label(links, repo, extra["label"])
        if "assignee" in extra:
            shown["assignee"] = render.user(links, tracker.user(extra["assignee"]))
        return shown

    hooks.emit(tracker, repo, "issues", action, by, payload)


def _tell_comment(tracker: GitHub, issue: Doc, doc: Doc, action: str, by: str, extra: Doc | None = None) -> None:
    repo = tracker.repos[issue["repo"]]
    hooks.emit(
        tracker,
        repo,
        "issue_comment",
        action,
        by,
        lambda links: {
            **(extra or {}),
            "issue": render.issue(tracker, links, issue),
            "comment": render.comment(tracker, links, doc),
        },
    )
