"""GitHub's JSON <-> Issue, Comment, Change, User. PURE. The calls are in client.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from exalate.errors import Rejected, UnexpectedAnswer
from trackers.connector import Status
from trackers.issue import Change, Comment, Doc, Issue, Parts, SetChange, User
from trackers.text.markdown import from_markdown, neutralised, restored, to_markdown

Json = dict[str, Any]

MAX_TITLE, MAX_BODY, MAX_BYTES = 256, 65_400, 262_000  # GitHub's 65,536 and 262,144 less the room for our mark
OPEN, CLOSED, NOT_PLANNED, DUPLICATE = "open", "closed", "closed: not planned", "closed: duplicate"
STATUSES = (Status(OPEN, "new"), Status(CLOSED, "done"), Status(NOT_PLANNED, "done"), Status(DUPLICATE, "done"))
REASONS = {CLOSED: "completed", NOT_PLANNED: "not_planned", DUPLICATE: "duplicate"}
STATUS_OF = {reason: status for status, reason in REASONS.items()}
TO_CANONICAL = {
    "title": "summary",
    "body": "description",
    "assignees": "assignee",
    "labels": "labels",
    "state": "status",
    "type": "type",
}
_MARK = re.compile(r"\n*<!-- exalate:([A-Za-z0-9._:-]+) -->\s*$")


def time_from(text: str | None) -> int:
    """Milliseconds from "2026-11-23T10:00:00Z"; 0 for nothing."""
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000) if text else 0


def user_from(raw: Json | None) -> User | None:
    """Logins are renamed and used again: the number is the identity."""
    return User(str(raw["id"]), raw.get("login") or "", raw.get("name") or raw.get("login") or "") if raw else None


# ------------------------------------------------------------------ text and mark
def split_mark(body: str | None) -> tuple[str, str]:
    """(text without our mark, mark or "")."""
    text = (body or "").replace("\r\n", "\n")
    found = _MARK.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, "")


def doc_from(body: str | None) -> Doc:
    return from_markdown(split_mark(body)[0])


def text_of(doc: Doc | None, field: str, mark: str = "") -> str:
    """Markdown with the mark on its last line. Raises Rejected when it is longer than GitHub takes."""
    text = to_markdown(doc) if doc else ""
    if len(text) > MAX_BODY or len(text.encode()) > MAX_BYTES:
        raise Rejected(f"The text is longer than the {MAX_BODY} characters that GitHub takes", field=field)
    return f"{text.rstrip()}\n\n<!-- exalate:{mark} -->".lstrip() if mark else text


# ------------------------------------------------------------------ reading
def status_from(raw: Json) -> str:
    if raw.get("state") != "closed":
        return OPEN
    return STATUS_OF.get(raw.get("state_reason") or "", CLOSED)


def label_from(raw: Json | str) -> str:
    return raw if isinstance(raw, str) else raw.get("name") or ""


def issue_from(raw: Json, repo: str, url: str, parts: Parts) -> Issue:
    """`url`: the page, where GitHub does not say."""
    if not isinstance(raw.get("id"), int) or "number" not in raw:
        raise UnexpectedAnswer("The address answered with something that is not a GitHub issue.", field="url")
    assignees = raw.get("assignees") or []
    kind = raw.get("type")
    return Issue(
        id=str(raw["id"]),
        key=f"{repo}#{raw['number']}",
        url=raw.get("html_url") or url,
        project=repo,
        summary=restored(raw.get("title") or ""),
        description=doc_from(raw.get("body")),
        status=status_from(raw),
        type=(kind or {}).get("name") or "" if isinstance(kind, dict) else "",
        assignee=user_from(assignees[0]) if assignees else None,
        labels=frozenset(filter(None, map(label_from, raw.get("labels") or ()))),
        comments=None,
        author=user_from(raw.get("user")),
        created=time_from(raw.get("created_at")),
        updated=time_from(raw.get("updated_at")),
        stamp=raw.get("updated_at") or "",
        mark=split_mark(raw.get("body"))[1],
        parts=parts,
        raw=raw,
    )


def comment_from(raw: Json) -> Comment:
    return Comment(
        id=str(raw["id"]),
        body=doc_from(raw.get("body")),
        author=user_from(raw.get("user")),
        created=time_from(raw.get("created_at")),
        updated=time_from(raw.get("updated_at")),
        mark=split_mark(raw.get("body"))[1],
    )


def changes_from(events: Iterable[Json]) -> Iterator[Change]:
    """The issue's events that tell of a field; edits of the body are in none."""
    status = OPEN
    for raw in events:
        name, by, at, number = (
            raw.get("event"),
            user_from(raw.get("actor")),
            time_from(raw.get("created_at")),
            str(raw.get("id") or ""),
        )
        if name == "renamed":
            rename = raw.get("rename") or {}
            yield Change("summary", restored(rename.get("from") or ""), restored(rename.get("to") or ""), by, at, number)
        elif name in ("closed", "reopened"):
            new = STATUS_OF.get(raw.get("state_reason") or "", CLOSED) if name == "closed" else OPEN
            yield Change("status", status, new, by, at, number)
            status = new
        elif name in ("labeled", "unlabeled"):
            label = (raw.get("label") or {}).get("name") or ""
            added = name == "labeled"
            yield Change("labels", "" if added else label, label if added else "", by, at, number)
        elif name in ("assigned", "unassigned"):
            user = user_from(raw.get("assignee"))
            added = name == "assigned"
            yield Change("assignee", None if added else user, user if added else None, by, at, number)


# ------------------------------------------------------------------ writing
def body_of(fields: Mapping[str, Any], base: Issue | None, mark: str = "") -> Json:
    """The JSON of a create or of one PATCH. Labels become the whole set, so `base` is needed for a SetChange."""
    body: Json = {}
    for name, value in fields.items():
        body |= _WRITERS[name](value, base, mark) if name in _WRITERS else _unknown(name)
    if mark and "body" not in body:
        body["body"] = text_of(None, "description", mark)
    return body


def _unknown(name: str) -> Json:
    raise Rejected(f"GitHub issues have no field {name}", field=name)


def _title(value: Any, base: Issue | None, mark: str) -> Json:
    title = neutralised(str(value or ""))
    if len(title) > MAX_TITLE:
        raise Rejected(f"The title is longer than the {MAX_TITLE} characters that GitHub takes", field="summary")
    return {"title": title}


def _body(value: Any, base: Issue | None, mark: str) -> Json:
    return {"body": text_of(value, "description", mark or (base.mark if base else ""))}


def _state(value: Any, base: Issue | None, mark: str) -> Json:
    if value == OPEN:
        return {"state": "open"}
    if value not in REASONS:
        raise Rejected(f"GitHub has no status “{value}”: it has {', '.join(status.name for status in STATUSES)}", field="status")
    return {"state": "closed", "state_reason": REASONS[value]}


def _assignee(value: User | None, base: Issue | None, mark: str) -> Json:
    """We know of the first assignee only: the others stay."""
    others = [one.get("login") for one in ((base.raw or {}).get("assignees") or [])[1:]] if base else []
    first = [value.login] if value else []
    return {"assignees": first + [login for login in others if login not in first] if first else others}


def _labels(value: Any, base: Issue | None, mark: str) -> Json:
    if isinstance(value, SetChange):
        return {"labels": sorted(((base.labels if base else frozenset()) - set(value.remove)) | set(value.add))}
    return {"labels": sorted(value or ())}


def _type(value: Any, base: Issue | None, mark: str) -> Json:
    return {"type": value or None}


_WRITERS = {
    "summary": _title,
    "description": _body,
    "status": _state,
    "assignee": _assignee,
    "labels": _labels,
    "type": _type,
}


def dropped(sent: Json, raw: Json) -> str:
    """The field that GitHub left out without a word, as it does without push access; "" when all stands."""
    if "labels" in sent and {label.casefold() for label in sent["labels"]} - {
        label_from(one).casefold() for one in raw.get("labels") or ()
    }:
        return "labels"
    logins = {(one.get("login") or "").casefold() for one in raw.get("assignees") or ()}
    if {login.casefold() for login in sent.get("assignees") or ()} - logins:
        return "assignee"
    return ""
