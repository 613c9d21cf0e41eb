"""One claimed pair with everything a run needs: its rows, rules and connector, and the only way to change its state.

The state is never held across a network call: `changing()` locks the row, checks the fence, loads, lets the pure engine
change the copy and saves, in one transaction. A worker that lost its fence stops there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from connections.models import SyncRules
from connections.rules.evaluate import Rules
from connections.rules.mapping import row_from_json
from exalate.errors import RulesError
from syncjobs import history
from syncjobs.engine.state import State, from_json, to_json
from syncjobs.models import HistoryEntry, PairState, SyncedIssue
from trackers.connector import Connector
from trackers.issue import Parts
from trackers.models import Instance


class LostFence(Exception):
    """Another worker has the pair now: stop without a trace."""


@dataclass(frozen=True)
class Claim:
    pair_id: int
    fence: int
    marked: int  # the count this run will have worked
    parts: Parts
    lane: int
    door: str
    crashed: bool = False  # an earlier run ended without a result


@dataclass
class Job:
    claim: Claim
    pair: SyncedIssue
    rules: Rules
    rules_version: int
    connector: Connector
    notes: list[HistoryEntry] = field(default_factory=list)  # written with the next change
    problems: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # key -> (kind, field, message)
    read_fields: bool = False  # this run knows of every field's problems
    ending: dict[str, Any] = field(default_factory=dict)  # columns for the release

    @property
    def instance(self) -> Instance:
        return self.pair.end.instance

    def note(self, verb: str, text: str, by: str = "", **detail: Any) -> None:
        self.notes.append(history.entry(self.pair, verb, text, by=by, **detail))

    @contextmanager
    def changing(self) -> Iterator[State]:
        """The state, locked; saved with the notes so far when the block ends. Raises LostFence, DataError."""
        with transaction.atomic():
            row = SyncedIssue.objects.select_for_update(of=("self",)).select_related("kept").get(pk=self.pair.pk)
            if row.fence != self.claim.fence:
                raise LostFence
            state = load(row)
            before = (to_json(state), columns(state))
            yield state
            save(row, state, before)
            self.pair = _same_relations(row, self.pair)
            self.flush()

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction that only the holder of the fence gets through."""
        with transaction.atomic():
            held = SyncedIssue.objects.select_for_update().filter(pk=self.pair.pk, fence=self.claim.fence).exists()
            if not held:
                raise LostFence
            yield

    def set_columns(self, **values: Any) -> None:
        """Single columns of the pair's row, now."""
        SyncedIssue.objects.filter(pk=self.pair.pk, fence=self.claim.fence).update(**values)
        for name, value in values.items():
            setattr(self.pair, name, value)

    def at_release(self, **values: Any) -> None:
        """Columns that are written together with the release of the pair, when they differ."""
        self.ending.update(values)

    def name_local_issue(self, key: str, url: str) -> None:
        """The issue was created here: both halves of a local pair learn its key."""
        self.set_columns(local_key=key, local_url=url)
        others = SyncedIssue.objects.filter(connection_id=self.pair.connection_id, uid=self.pair.uid).exclude(side=self.pair.side)
        others.update(remote_key=key, remote_url=url)

    def flush(self) -> None:
        if self.notes:
            HistoryEntry.objects.bulk_create(self.notes)
            self.notes = []

    def state(self) -> State:
        """A copy to decide on, as of the last change or load."""
        return load(self.pair)


def open_job(claim: Claim) -> Job:
    """Raises LostFence when the pair was taken meanwhile, RulesError without published rules."""
    pair = (
        SyncedIssue.objects.select_related("kept", "connection", "end__instance__proxy")
        .filter(pk=claim.pair_id, fence=claim.fence)
        .first()
    )
    if pair is None:
        raise LostFence
    rules, version = rules_of(pair.end_id)
    return Job(claim, pair, rules, version, connector_of(pair.end.instance))


# ------------------------------------------------------------------ state <-> rows
def columns(state: State) -> dict[str, Any]:
    return {"out_seq": state.out_seq, "acked": state.acked, "in_seq": state.in_seq, "local_id": state.local or None}


def load(row: SyncedIssue) -> State:
    """Raises DataError when the kept document is damaged."""
    return from_json(
        row.kept.doc,
        side=row.side,
        local=row.local_id or "",
        policies=dict(row.connection.policies),
        out_seq=row.out_seq,
        acked=row.acked,
        in_seq=row.in_seq,
    )


def save(row: SyncedIssue, state: State, before: tuple[dict[str, Any], dict[str, Any]] | None = None, **more: Any) -> None:
    """Write what changed since `before`, and nothing else of the row."""
    doc, values = to_json(state), {**columns(state), **more}
    if before is None or doc != before[0]:
        PairState.objects.filter(pk=row.pk).update(doc=doc)
        row.kept.doc = doc
    changed = values if before is None else {k: v for k, v in values.items() if before[1].get(k, _MISSING) != v}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        SyncedIssue.objects.filter(pk=row.pk).update(**changed)


_MISSING = object()


def _same_relations(row: SyncedIssue, old: SyncedIssue) -> SyncedIssue:
    row.connection, row.end = old.connection, old.end
    return row


# ------------------------------------------------------------------ what is kept between runs of one process
_lock = threading.Lock()
_rules: dict[int, tuple[Rules, int]] = {}
_connectors: dict[int, tuple[str, Connector]] = {}


def rules_of(end_id: int) -> tuple[Rules, int]:
    """The published rules of an end, compiled once per version."""
    newest = (
        SyncRules.objects.filter(end_id=end_id, state=SyncRules.State.PUBLISHED)
        .order_by("-version")
        .values_list("pk", "version")
        .first()
    )
    if newest is None:
        raise RulesError("The connection has no published rules.")
    found = _rules.get(newest[0])
    if found is None:
        rows = SyncRules.objects.values_list("rows", flat=True).get(pk=newest[0])
        found = _rules[newest[0]] = (Rules([row_from_json(row) for row in rows]), newest[1])
    return found


def connector_of(instance: Instance) -> Connector:
    """One connector per instance and process, made anew when its address or credentials change."""
    proxy = getattr(instance, "proxy", None)
    version = (
        f"{instance.url} {instance.call_timeout} {proxy.credentials_sealed if proxy else ''} {proxy.user_id if proxy else ''}"
    )
    with _lock:
        known = _connectors.get(instance.pk)
        if known is None or known[0] != version:
            known = _connectors[instance.pk] = (version, instance.connector())
        return known[1]


def now_ms() -> int:
    return int(timezone.now().timestamp() * 1000)
