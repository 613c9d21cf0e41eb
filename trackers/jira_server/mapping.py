"""Jira's JSON (REST v2, wiki text) <-> Issue, Comment, Change, User. PURE. The calls are in client.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from exalate.errors import Rejected
from trackers.connector import Field, Status
from trackers.issue import Change, Comment, Doc, Issue, Parts, SetChange, User
from trackers.text.wiki import from_wiki, to_wiki

Json = dict[str, Any]

MARK = "exalate.mark"  # the entity property that carries our mark, on issues and comments
INTERNAL = "sd.public.comment"  # Service Management's property of an internal note
TO_JIRA = {"summary": "summary", "description": "description", "type": "issuetype", "priority": "priority"}
TO_JIRA |= {"assignee": "assignee", "labels": "labels", "status": "status"}
TO_CANONICAL = {jira: name for name, jira in TO_JIRA.items()} | {"comment": "comment"}
READ = (
    "summary",
    "description",
    "status",
    "issuetype",
    "priority",
    "assignee",
    "labels",
    "project",
    "creator",
    "created",
    "updated",
)
CATEGORIES: Mapping[str, Any] = {"new": "new", "indeterminate": "active", "done": "done"}


def time_from(text: str | None) -> int:
    """Milliseconds from "2026-11-23T10:00:00.000+0000"; 0 for nothing."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def user_from(raw: Json | None) -> User | None:
    """`key` never changes; before 8.x only `name` is told."""
    if not raw:
        return None
    login = raw.get("name") or ""
    return User(raw.get("key") or login, login, raw.get("displayName") or "", raw.get("emailAddress") or "")


def name_of(raw: Json | None) -> str:
    return (raw or {}).get("name") or ""


def status_from(raw: Json) -> Status:
    return Status(raw["name"], CATEGORIES.get((raw.get("statusCategory") or {}).get("key", ""), "new"))


def issue_from(raw: Json, base: str, parts: Parts) -> Issue:
    """`base`: the address the admin gave; hosts inside the JSON are never trusted."""
    fields: Json = raw.get("fields") or {}
    comments = (fields.get("comment") or {}).get("comments")
    changelog = raw.get("changelog")
    return Issue(
        id=str(raw["id"]),
        key=raw["key"],
        url=f"{base}/browse/{raw['key']}",
        project=(fields.get("project") or {}).get("key") or raw["key"].rpartition("-")[0],
        summary=fields.get("summary") or "",
        description=from_wiki(fields.get("description") or ""),
        status=name_of(fields.get("status")),
        type=name_of(fields.get("issuetype")),
        priority=name_of(fields.get("priority")),
        assignee=user_from(fields.get("assignee")),
        labels=frozenset(fields.get("labels") or ()),
        comments=tuple(comment_from(comment) for comment in comments or ()) if Parts.COMMENTS in parts else None,
        history=tuple(history_from(changelog)) if changelog is not None else None,
        author=user_from(fields.get("creator")),
        created=time_from(fields.get("created")),
        updated=time_from(fields.get("updated")),
        stamp=fields.get("updated") or "",
        mark=str((raw.get("properties") or {}).get(MARK) or ""),
        parts=parts,
        raw=raw,
    )


def comment_from(raw: Json) -> Comment:
    """A comment that only some may see (role, group, Service Management's internal note) is internal."""
    properties = {entry.get("key"): entry.get("value") for entry in raw.get("properties") or ()}
    note = properties.get(INTERNAL)
    internal = (
        bool(raw.get("visibility")) or raw.get("jsdPublic") is False or (isinstance(note, dict) and bool(note.get("internal")))
    )
    return Comment(
        id=str(raw["id"]),
        body=from_wiki(raw.get("body") or ""),
        author=user_from(raw.get("author")),
        created=time_from(raw.get("created")),
        updated=time_from(raw.get("updated")),
        internal=internal,
        mark=str(properties.get(MARK) or ""),
    )


def _labels(text: str | None) -> frozenset[str]:
    return frozenset((text or "").split())


def _assignee(item: Json, side: str) -> User | None:
    return User(item[side], item[side], item.get(f"{side}String") or "") if item.get(side) else None


def _text(item: Json, side: str) -> str:
    return item.get(f"{side}String") or ""


def _wiki(item: Json, side: str) -> Doc:
    return from_wiki(_text(item, side))


HISTORY: Mapping[str, Callable[[Json, str], Any]] = {"description": _wiki, "assignee": _assignee}


def history_from(changelog: Json) -> Iterator[Change]:
    """Oldest first; fields that we do not carry keep their vendor's name."""
    for entry in sorted(changelog.get("histories") or (), key=lambda entry: (time_from(entry.get("created")), int(entry["id"]))):
        by, at, entry_id = user_from(entry.get("author")), time_from(entry.get("created")), str(entry["id"])
        for item in entry.get("items") or ():
            name = TO_CANONICAL.get(item.get("field") or "", item.get("field") or "")
            if name == "labels":
                yield from _label_changes(item, by, at, entry_id)
                continue
            value = HISTORY.get(name, _text)
            yield Change(name, value(item, "from"), value(item, "to"), by, at, entry_id)


def _label_changes(item: Json, by: User | None, at: int, entry_id: str) -> Iterator[Change]:
    old, new = _labels(item.get("fromString")), _labels(item.get("toString"))
    yield from (Change("labels", label, "", by, at, entry_id) for label in sorted(old - new))
    yield from (Change("labels", "", label, by, at, entry_id) for label in sorted(new - old))


def last_author(raw: Json, since: int) -> User | None:
    """Who made every change to a polled issue after `since`, when one person did and the newest change is accounted for."""
    fields: Json = raw.get("fields") or {}
    traces = [(time_from(fields.get("created")), user_from(fields.get("creator")))]
    traces += [(change.at, change.by) for change in history_from(raw.get("changelog") or {})]
    for comment in (fields.get("comment") or {}).get("comments") or ():
        traces.append((time_from(comment.get("created")), user_from(comment.get("author"))))
        traces.append((time_from(comment.get("updated")), user_from(comment.get("updateAuthor"))))
    newer = [(at, by) for at, by in traces if at >= since]
    people = {by.id if by else "" for at, by in newer}
    if len(people) != 1 or max(at for at, by in newer) + 1000 < time_from(fields.get("updated")):
        return None
    return newer[0][1]


def _check_labels(labels: Iterable[str]) -> list[str]:
    """Jira takes no white space in a label; another label in its place would be a guess."""
    for label in sorted(labels):
        if not label or any(character.isspace() for character in label):
            raise Rejected(f'Jira labels cannot contain spaces: "{label}" was not written', field="labels")
    return sorted(labels)


def wiki_or_none(doc: Doc) -> str | None:
    return to_wiki(doc) or None


def value_to(name: str, value: Any) -> Any:
    """One canonical value as Jira takes it; None clears. Raises Rejected for what Jira has no place for."""
    if name == "summary":
        return value
    if name == "description":
        return wiki_or_none(value)
    if name in ("type", "priority"):
        return {"name": value} if value else None
    if name == "assignee":
        return {"name": value.login or value.id} if value else {"name": None}
    if name == "labels":
        return _check_labels(value)
    raise Rejected(f"Jira has no field {name} that is synced", field=name)


def body_of(fields: Mapping[str, Any]) -> Json:
    """The body of a create or an edit. Labels as SetChange become add and remove, so that a person's labels stay."""
    body: Json = {"fields": {}}
    for name, value in fields.items():
        if name == "status":
            continue
        if isinstance(value, SetChange):
            steps = [{"add": label} for label in _check_labels(value.add)] + [{"remove": label} for label in sorted(value.remove)]
            body.setdefault("update", {})[TO_JIRA[name]] = steps
            continue
        body["fields"][TO_JIRA.get(name, name)] = value_to(name, value)
    if not body["fields"] and "update" in body:
        del body["fields"]
    return body


def settled(base: Issue, fields: Mapping[str, Any]) -> Issue:
    """`base` with `fields` as Jira keeps them: text turned once through the wiki, edges of the summary trimmed."""
    values = dict(fields)
    if "summary" in values:
        values["summary"] = values["summary"].strip()
    if "description" in values:
        values["description"] = from_wiki(to_wiki(values["description"]))
    if isinstance(change := values.get("labels"), SetChange):
        values["labels"] = (base.labels - set(change.remove)) | set(change.add)
    if "labels" in values:
        values["labels"] = frozenset(values["labels"])
    values = {name: "" if value is None and name in ("priority", "type") else value for name, value in values.items()}
    return replace(base, **values, comments=None, history=None, parts=Parts.FIELDS)


def field_from(raw: Json) -> Field:
    """A field of the create screen (values of createmeta)."""
    field_id = raw.get("fieldId") or raw.get("key") or ""
    options = tuple(option.get("name") or option.get("value") or "" for option in raw.get("allowedValues") or ())
    kind = (raw.get("schema") or {}).get("type") or "string"
    return Field(field_id, raw.get("name") or field_id, kind, bool(raw.get("required")), options)
