"""Polling by search: which issues of a project changed since a cursor. The search index lags and its pages shift while
issues change, so each poll looks back a little and drops what it has told already."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any

from exalate.errors import Rejected
from trackers.connector import IssueEvent, Page
from trackers.issue import Parts
from trackers.jira_server.client import JiraClient
from trackers.jira_server.mapping import Json, last_author, time_from

OVERLAP_MS = 150_000  # minute precision, index lag, a transaction that committed late
LIMIT = 50  # with comments and history inside, pages are heavy
KEEP = 1000  # of what was told; more is repeated, never skipped
FIELDS = ["project", "updated", "created", "creator", "comment"]


@dataclass
class Cursor:
    since: int  # the search's lower bound
    begun: int  # the lower bound of the first page: what changed before it was told
    start: int = 0  # offset, used only while many issues share one time
    high: int = 0  # the newest change told
    skew: int = 0  # Jira's clock less ours, when polling began
    told: dict[str, int] = field(default_factory=dict)  # issue id -> its `updated` when it was told

    @classmethod
    def of(cls, text: str) -> Cursor:
        try:
            raw = json.loads(text)
            told = {str(issue): int(at) for issue, at in raw["told"].items()}
            since, begun, start, high, skew = (int(raw[name]) for name in ("since", "begun", "start", "high", "skew"))
            return cls(since, begun, start, high, skew, told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Rejected("The place where polling stopped cannot be read", field="cursor") from error

    def text(self) -> str:
        newest = sorted(self.told.items(), key=lambda entry: entry[1])[-KEEP:]
        return json.dumps({**asdict(self), "told": dict(newest)}, separators=(",", ":"))


def page(client: JiraClient, project: str, text: str, clock: int) -> Page[IssueEvent]:
    """`clock`: our own, in ms."""
    if not text:
        now = time_from(client.server_info().get("serverTime")) or clock
        return Page((), Cursor(now - OVERLAP_MS, now - OVERLAP_MS, high=now, skew=now - clock).text())
    cursor = Cursor.of(text)
    jql = f'project = "{project}" AND updated >= {cursor.since} ORDER BY updated ASC, id ASC'
    found = client.search(jql, fields=FIELDS, start=cursor.start, limit=LIMIT, expand=["changelog"])
    issues: list[Json] = found["issues"]
    events = tuple(_event(raw, cursor, project) for raw in issues if cursor.told.get(str(raw["id"]), -1) < _updated(raw))
    cursor.told.update({str(raw["id"]): _updated(raw) for raw in issues})
    cursor.high = max(cursor.high, *(_updated(raw) for raw in issues), 0)
    if issues and cursor.start + len(issues) < int(found.get("total") or 0):
        return Page(events, _next_page(cursor, _updated(issues[-1]), len(issues)).text(), True)
    return Page(events, _next_poll(cursor, _now(found.get("date"), cursor, clock)).text())


def _next_page(cursor: Cursor, last: int, count: int) -> Cursor:
    """Offsets shift while issues change: the next page starts at the last time seen, and at an offset only where that
    does not move on."""
    if last > cursor.since:
        return replace(cursor, since=last, start=0)
    return replace(cursor, start=cursor.start + count)


def _next_poll(cursor: Cursor, now: int) -> Cursor:
    """What changed longer ago than the overlap has been told; the newest change need not be looked at for ever."""
    since = max(cursor.high, now) - OVERLAP_MS
    told = {issue: at for issue, at in cursor.told.items() if at >= since}
    return replace(cursor, since=since, begun=since, start=0, told=told)


def _now(date: str | None, cursor: Cursor, clock: int) -> int:
    """Jira's time by our clock and by the answer's date; the earlier one, for either may run ahead."""
    times = [clock + cursor.skew]
    with suppress(ValueError, TypeError):
        times.append(round(parsedate_to_datetime(date or "").timestamp() * 1000))
    return min(times)


def _updated(raw: Json) -> int:
    return time_from((raw.get("fields") or {}).get("updated"))


def _event(raw: Json, cursor: Cursor, project: str) -> IssueEvent:
    fields: dict[str, Any] = raw.get("fields") or {}
    told = cursor.told.get(str(raw["id"]))
    return IssueEvent(
        kind="updated",
        issue_id=str(raw["id"]),
        key=raw["key"],
        project=project,
        parts=Parts.ALL,
        by=last_author(raw, cursor.begun if told is None else told + 1),
        at=_updated(raw),
        stamp=fields.get("updated") or "",
    )
