"""What people did in the local tracker since we last looked, folded into the registers. PURE. sync-semantics 4 and 6.

Attribution is by value against `last`, per key; who changed it last is never asked, for a person's edit and our own can
share one read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncjobs.engine import registers as r
from syncjobs.engine.registers import Clash, Register
from syncjobs.engine.state import Last, State, Watch, local_change


@dataclass(frozen=True)
class SeenComment:
    id: str
    body: Any
    ours: bool  # written by the proxy user
    mark: str = ""
    ts: int = 0
    author: str = ""


@dataclass(frozen=True)
class SeenChange:
    """An entry of the tracker's history, its values projected by the outgoing rules."""

    key: str
    val: Any
    ours: bool
    ts: int
    author: str = ""


@dataclass(frozen=True)
class Seen:
    """What the outgoing rules made of one read. None = that part was not read."""

    values: Mapping[str, Any] | None = None  # hub scalar -> value; a value that is not mapped is left out
    sets: Mapping[str, frozenset[str]] | None = None
    comments: Sequence[SeenComment] | None = None
    history: Sequence[SeenChange] | None = None  # oldest first
    ts: int = 0  # the issue's own time of change
    times: Mapping[str, int] = field(default_factory=dict)  # by register key, where the tracker tells
    authors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """`changed`: keys with a person's change, with the value before. `clashes`: conflicts to be kept for people."""

    changed: Mapping[str, Any]
    clashes: tuple[Clash, ...]
    skipped: int = 0  # comments typed as the proxy user


def comment_mark(pair_uid: str, entity_uid: str) -> str:
    """What our copy of a comment carries: no id of the other side can be read from it."""
    return hashlib.sha256(f"{pair_uid}/{entity_uid}".encode()).hexdigest()[:20]


def observe(state: State, seen: Seen, pair_uid: str) -> Observed:
    """Fold `seen` into `state`; out_seq grows by one when anything changed."""
    changed: dict[str, Any] = {}
    clashes: list[Clash] = []

    def change(key: str, val: Any, ts: int, author: str) -> None:
        changed[key] = state.last_of(key).val
        clash = local_change(state, key, val, ts, author)
        if clash:
            clashes.append(clash)

    if seen.history is not None:
        clashes += _covered(state, seen, changed)
    for hub, val in (seen.values or {}).items():
        _scalar(state, seen, r.scalar(hub), val, change)
    for hub, present in (seen.sets or {}).items():
        _elements(state, seen, hub, present, change)
    if seen.values is not None:
        state.fresh = False
    skipped = _comments(state, seen.comments, pair_uid, change) if seen.comments is not None else 0
    if changed:
        state.out_seq += 1
    return Observed(changed, tuple(clashes), skipped)


def _scalar(state: State, seen: Seen, key: str, val: Any, change: Any) -> None:
    if state.fresh and key not in state.last:
        _adopt_default(state, key, val)
    elif key not in state.last or state.last[key].val != val:
        change(key, val, seen.times.get(key, seen.ts), seen.authors.get(key, ""))


def _adopt_default(state: State, key: str, val: Any) -> None:
    """A value that the tracker gave the issue we created: nobody typed it."""
    reg = state.regs.get(key)
    if reg is not None and reg.val is None:
        state.last[key] = Last(val, reg.vv, reg.rid, reg.n)
    else:
        state.last[key] = Last(val, {})


def _elements(state: State, seen: Seen, hub: str, present: frozenset[str], change: Any) -> None:
    prefix = r.element(hub, "")
    known = {r.element_of(key) for key in state.last if key.startswith(prefix)}
    for value in sorted(known | present):
        key, here = r.element(hub, value), value in present
        if state.last_of(key).val != here:
            change(key, here, seen.times.get(key, seen.ts), seen.authors.get(key, ""))


def _comments(state: State, comments: Sequence[SeenComment], pair_uid: str, change: Any) -> int:
    uid_by_local = {local: uid for uid, local in state.twins.items()}
    uid_by_mark = {
        comment_mark(pair_uid, r.uid_of(key)): r.uid_of(key)
        for key in state.regs
        if r.is_alive(key) and r.uid_of(key) not in state.twins
    }
    skipped = 0
    for comment in comments:
        uid = uid_by_local.get(comment.id)
        if uid is None and comment.mark and comment.mark in uid_by_mark:
            _adopt_copy(state, uid_by_mark[comment.mark], comment, change)
        elif uid is None and comment.ours:
            skipped += 1
        elif uid is None:
            uid = f"{state.side}:{comment.id}"
            state.twins[uid] = comment.id
            change(r.entity("comment", "alive", uid), True, comment.ts, comment.author)
            change(r.entity("comment", "body", uid), comment.body, comment.ts, comment.author)
        elif state.last_of(r.entity("comment", "body", uid)).val != comment.body:
            change(r.entity("comment", "body", uid), comment.body, comment.ts, comment.author)
    _vanished(state, {comment.id for comment in comments}, change)
    return skipped


def _adopt_copy(state: State, uid: str, comment: SeenComment, change: Any) -> None:
    """Our own copy, found by its mark: made by a run that could not record it."""
    state.twins[uid] = comment.id
    alive, body = state.regs[r.entity("comment", "alive", uid)], state.regs.get(r.entity("comment", "body", uid))
    state.last[r.entity("comment", "alive", uid)] = Last(
        True, alive.vv, alive.rid if alive.val else "", alive.n if alive.val else 0
    )
    if body is not None and body.val == comment.body:
        state.last[r.entity("comment", "body", uid)] = Last(body.val, body.vv, body.rid, body.n)
    else:
        change(r.entity("comment", "body", uid), comment.body, comment.ts, comment.author)


def _vanished(state: State, present: set[str], change: Any) -> None:
    """A deleted original is deleted everywhere; a deleted copy is not made again and, by default, not sent back."""
    for uid, local in list(state.twins.items()):
        key = r.entity("comment", "alive", uid)
        last = state.last_of(key)
        if local in present or last.val is not True:
            continue
        if uid.startswith(f"{state.side}:") or state.policies.get("comment_deletes") == "both":
            change(key, False, 0, "")
        else:
            reg = state.regs[key]
            state.last[key] = Last(False, r.join(last.vv, reg.vv), reg.rid, reg.n)
            _forget_body(state, uid)


def _forget_body(state: State, uid: str) -> None:
    key = r.entity("comment", "body", uid)
    reg = state.regs.get(key)
    if reg is not None:
        state.last[key] = Last(state.last_of(key).val, r.join(state.last_of(key).vv, reg.vv), reg.rid, reg.n)


# ------------------------------------------------------------------ did a write of ours cover a person's edit?
def _covered(state: State, seen: Seen, changed: dict[str, Any]) -> list[Clash]:
    found: list[Clash] = []
    for key, watch in list(state.watch.items()):
        entries = since(key, watch, seen.history or ())
        ours = our_entry(watch, entries)
        if ours is None:
            continue
        del state.watch[key]
        found += _bring_back(state, key, watch, [entry for entry in entries[:ours] if not entry.ours], changed)
    return found


def since(key: str, watch: Watch, history: Sequence[SeenChange]) -> list[SeenChange]:
    """The entries of `key` after our read. Of those in the same tick of the tracker's clock, the ones up to the value
    that we read came before it: two writes can share a second."""
    entries = [entry for entry in history if entry.key == key and entry.ts >= watch.since]
    known = [i for i, entry in enumerate(entries) if entry.ts == watch.since and entry.val == watch.seen]
    return entries[known[-1] + 1 :] if known else entries


def our_entry(watch: Watch, entries: Sequence[SeenChange]) -> int | None:
    """Where our write stands in the history: by value, or, where the tracker trimmed what we sent, the proxy user's."""
    exact = [i for i, entry in enumerate(entries) if entry.ours and entry.val == watch.val]
    close = [i for i, entry in enumerate(entries) if entry.ours and entry.val != watch.seen]
    return exact[0] if exact else close[-1] if close else None


def _bring_back(state: State, key: str, watch: Watch, covered: list[SeenChange], changed: dict[str, Any]) -> list[Clash]:
    """As if observe had seen the last covered value in time; every covered value is kept for people, also when it wins."""
    if not covered:
        return []
    written = Register(watch.val, watch.vv, watch.rid, watch.n)
    standing = state.last_of(key)
    clashes = [
        Clash(key, written, Register(entry.val, {}, "", 0, entry.ts, state.side, entry.author), "covered") for entry in covered
    ]
    changed[key] = watch.seen
    clash = local_change(state, key, covered[-1].val, covered[-1].ts, covered[-1].author, Last(watch.seen, watch.seen_vv))
    state.last[key] = Last(standing.val, r.join(standing.vv, state.last[key].vv), standing.rid, standing.n)
    return clashes + ([clash] if clash else [])
