"""The smallest list of operations that brings the local tracker to the registers. PURE. sync-semantics 6.

Equal values make no call: they are absorbed into `last`. A value that cannot be written becomes a problem of its key and
holds nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncjobs.engine import registers as r
from syncjobs.engine.observe import comment_mark
from syncjobs.engine.registers import Register
from syncjobs.engine.state import Last, State, register_from_json, register_to_json


@dataclass(frozen=True)
class Wanted:
    """What the incoming rules want for a hub value: a local field and its value, or the reason why there is none.
    `back`: the hub value that the outgoing rules would make of it (another one where trackers have fewer values).
    `ignored`: the rules do not take this field at all, which is no problem."""

    field: str = ""
    value: Any = None
    back: Any = None
    problem: str = ""
    ignored: bool = False


Incoming = Callable[[str, Any], Wanted]  # (hub field, hub value) -> Wanted; for a set: one element


@dataclass(frozen=True)
class Abilities:
    """What the planner asks of the tracker's features."""

    edits_comments: bool = True
    deletes_comments: bool = True


@dataclass(frozen=True)
class Step:
    """One operation. `regs`: the registers it brings in, as they were when it was planned: those are recorded when it
    succeeds, for a newer value may arrive meanwhile. `fields`: local field -> value; a set: {"add": [..], "remove": [..]}."""

    kind: str  # create, update, add_comment, edit_comment, remove_comment
    regs: Mapping[str, Register]
    fields: Mapping[str, Any] = field(default_factory=dict)
    local_of: Mapping[str, str] = field(default_factory=dict)  # register key -> local field
    uid: str = ""  # the comment's
    body: Any = None  # the comment's, as the incoming rules want it
    comment: str = ""  # the comment's local id
    mark: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)  # register key -> the hub value that was read before
    expects: Mapping[str, Any] = field(default_factory=dict)  # register key -> the hub value to be read afterwards

    def as_json(self) -> dict[str, Any]:
        doc = dict(self.__dict__)
        doc["regs"] = {key: register_to_json(reg) for key, reg in self.regs.items()}
        for name in ("fields", "local_of", "seen", "expects"):
            doc[name] = dict(doc[name])
        return doc


def step_from_json(doc: Mapping[str, Any]) -> Step:
    """Raises DataError when a register in it is damaged."""
    return Step(**{**doc, "regs": {key: register_from_json(reg) for key, reg in doc["regs"].items()}})


@dataclass(frozen=True)
class Problem:
    key: str
    field: str
    text: str


@dataclass(frozen=True)
class Plan:
    steps: tuple[Step, ...]
    absorbed: Mapping[str, Last]
    problems: tuple[Problem, ...]


def plan(
    state: State,
    incoming: Incoming,
    current: Callable[[str], Any] | None,
    abilities: Abilities,
    pair_uid: str,
    alone: bool = False,
) -> Plan:
    """`current(local field)`: the value in the tracker now; None when the fields were not read (nothing is planned for
    them then). `alone`: one field a step, to find the one that the tracker refuses."""
    draft = _Draft(state, incoming, pair_uid)
    pending = state.pending()
    if not state.local:
        draft.create([key for key in pending if r.is_scalar(key) or r.is_element(key)])
        return draft.done()
    if current is not None:
        draft.update([key for key in pending if r.is_scalar(key) or r.is_element(key)], current, alone)
    draft.comments(pending, abilities)
    return draft.done()


class _Draft:
    def __init__(self, state: State, incoming: Incoming, pair_uid: str) -> None:
        self.state, self.incoming, self.pair_uid = state, incoming, pair_uid
        self.steps: list[Step] = []
        self.absorbed: dict[str, Last] = {}
        self.problems: list[Problem] = []

    def done(self) -> Plan:
        return Plan(tuple(self.steps), self.absorbed, tuple(self.problems))

    def absorb(self, key: str, val: Any) -> None:
        reg, last = self.state.regs[key], self.state.last_of(key)
        self.absorbed[key] = Last(val, r.join(last.vv, reg.vv), reg.rid, reg.n)

    def wanted(self, key: str) -> Wanted | None:
        """None when nothing is to be written for this key."""
        reg, hub = self.state.regs[key], r.hub_of(key)
        want = self.incoming(hub, r.element_of(key) if r.is_element(key) else reg.val)
        if want.ignored:
            self.absorb(key, self.state.last_of(key).val)
            return None
        if want.problem:
            self.problems.append(Problem(key, want.field or hub, want.problem))
            return None
        return want

    # -------------------------------------------------------------- the issue
    def create(self, keys: list[str]) -> None:
        fields: dict[str, Any] = {}
        local_of: dict[str, str] = {}
        expects: dict[str, Any] = {}
        for key in keys:
            want = self.wanted(key) if self.state.regs[key].val not in (None, False) else None
            if want is None:
                continue
            local_of[key], expects[key] = want.field, self._back(key, want)
            if r.is_element(key):
                fields.setdefault(want.field, {"add": [], "remove": []})["add"].append(want.value)
            else:
                fields[want.field] = want.value
        regs = {key: self.state.regs[key] for key in local_of}
        if regs:
            self.steps.append(Step("create", regs, fields, local_of, mark=self.pair_uid, expects=expects))

    def _back(self, key: str, want: Wanted) -> Any:
        return self.state.regs[key].val if r.is_element(key) else want.back

    def update(self, keys: list[str], current: Callable[[str], Any], alone: bool) -> None:
        ready: list[tuple[str, Wanted]] = []
        for key in keys:
            want = self.wanted(key)
            if want is None:
                continue
            if _stands(key, self.state.regs[key], want, current):
                self.absorb(key, self.state.last_of(key).val)
            else:
                ready.append((key, want))
        for group in [[one] for one in ready] if alone else [ready]:
            if group:
                self.steps.append(self._update_step(group))

    def _update_step(self, group: list[tuple[str, Wanted]]) -> Step:
        fields: dict[str, Any] = {}
        for key, want in group:
            if r.is_element(key):
                change = fields.setdefault(want.field, {"add": [], "remove": []})
                change["add" if self.state.regs[key].val else "remove"].append(want.value)
            else:
                fields[want.field] = want.value
        return Step(
            "update",
            {key: self.state.regs[key] for key, _ in group},
            fields,
            {key: want.field for key, want in group},
            seen={key: self.state.last_of(key).val for key, _ in group},
            expects={key: self._back(key, want) for key, want in group},
        )

    # -------------------------------------------------------------- comments
    def comments(self, pending: list[str], abilities: Abilities) -> None:
        for key in [k for k in self.state.regs if r.is_alive(k)]:
            uid = r.uid_of(key)
            body_key = r.entity("comment", "body", uid)
            alive, body = self.state.regs[key], self.state.regs.get(body_key)
            twin = self.state.twins.get(uid, "")
            if body is None or not {key, body_key} & set(pending):
                continue
            if alive.val and not twin:
                self._add(uid, {key: alive, body_key: body})
            elif alive.val and self.state.last_of(key).val is True:
                self._edit(uid, twin, key, body_key, pending, abilities)
            else:
                self._remove(uid, twin, key, body_key, abilities)

    def _body(self, body_key: str) -> Any:
        want = self.wanted(body_key)
        return None if want is None else want.value

    def _add(self, uid: str, regs: dict[str, Register]) -> None:
        body = self._body(r.entity("comment", "body", uid))
        if body is not None:
            self.steps.append(Step("add_comment", regs, uid=uid, body=body, mark=comment_mark(self.pair_uid, uid)))

    def _edit(self, uid: str, twin: str, key: str, body_key: str, pending: list[str], abilities: Abilities) -> None:
        if key in pending:
            self.absorb(key, True)
        if body_key not in pending:
            return
        if self.state.last_of(body_key).val == self.state.regs[body_key].val:
            self.absorb(body_key, self.state.regs[body_key].val)
        elif not abilities.edits_comments:
            self.problems.append(Problem(body_key, "comments", "This tracker cannot edit comments."))
        elif (body := self._body(body_key)) is not None:
            self.steps.append(Step("edit_comment", {body_key: self.state.regs[body_key]}, uid=uid, body=body, comment=twin))

    def _remove(self, uid: str, twin: str, key: str, body_key: str, abilities: Abilities) -> None:
        """The copy goes; a comment that was never copied, or is gone already, only has its registers settled."""
        alive = self.state.regs[key]
        if self.state.last_of(key).val is True and not alive.val and twin:
            if abilities.deletes_comments:
                self.steps.append(Step("remove_comment", {key: alive}, uid=uid, comment=twin))
            else:
                self.problems.append(Problem(key, "comments", "This tracker cannot delete comments."))
            return
        for one in (key, body_key):
            self.absorb(one, self.state.last_of(one).val)


def _stands(key: str, reg: Register, want: Wanted, current: Callable[[str], Any]) -> bool:
    now = current(want.field)
    if r.is_element(key):
        return (want.value in (now or ())) == bool(reg.val)
    return bool(now == want.value)
