"""What one half of a pair keeps: registers (the merged truth), last (what stands in the tracker), twins. PURE.

Beside each register stands `last`: the value that the outgoing rules made of the tracker's content, the changes that
this value contains, and the dot that it stands for. A register whose dot is not the one of `last` is work to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exalate.errors import DataError
from syncjobs.engine import registers as r
from syncjobs.engine.registers import Clash, Register, Vector


@dataclass(frozen=True)
class Last:
    val: Any
    vv: Vector
    rid: str = ""
    n: int = 0

    @property
    def dot(self) -> tuple[str, int]:
        return (self.rid, self.n)


@dataclass(frozen=True)
class Watch:
    """A field that we wrote, to be looked up in the tracker's history at the next read: did it cover a person's edit?
    `seen`: the hub value we had read before writing; `since`: the issue's time of that read."""

    val: Any
    vv: Vector
    rid: str
    n: int
    seen: Any
    seen_vv: Vector
    since: int


NOTHING = Last(None, {})
ABSENT = Last(False, {})  # an element nobody ever saw


@dataclass
class State:
    """A working copy: engine functions change it in place, the shell keeps it in one transaction."""

    side: str
    epoch: int = 0
    peer_epoch: int = 0
    local: str = ""  # the tracker's immutable id; "" until created
    regs: dict[str, Register] = field(default_factory=dict)
    last: dict[str, Last] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)  # comment uid -> local id; kept after deletion as a tombstone
    refused: dict[str, list[Any]] = field(default_factory=dict)  # key -> [rid, n, message, kind, field]
    fresh: bool = False  # we created the issue and have not read it since: unknown values are the tracker's defaults
    watch: dict[str, Watch] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    out_seq: int = 0
    acked: int = 0
    in_seq: int = 0

    @property
    def replica(self) -> str:
        """A node restored from a backup is a new replica: it does not know what it has forgotten."""
        return self.side + (str(self.epoch) if self.epoch else "")

    def policy(self, key: str) -> str:
        return self.policies.get(r.hub_of(key), "newest")

    def last_of(self, key: str) -> Last:
        return self.last.get(key, ABSENT if r.is_element(key) else NOTHING)

    def pending(self) -> list[str]:
        """Keys whose register is not what stands in the tracker, refused ones left out."""
        return [key for key, reg in self.regs.items() if self.last_of(key).dot != reg.dot and not self.is_refused(key)]

    def is_refused(self, key: str) -> bool:
        entry = self.refused.get(key)
        return entry is not None and (entry[0], entry[1]) == self.regs[key].dot

    def refuse(self, key: str, message: str, kind: str, field: str = "") -> None:
        """Do not try this value again until it changes or a person says retry."""
        reg = self.regs[key]
        self.refused[key] = [reg.rid, reg.n, message, kind, field]

    def refusals(self) -> dict[str, list[Any]]:
        return {key: entry for key, entry in self.refused.items() if key in self.regs and self.is_refused(key)}


def local_change(state: State, key: str, val: Any, ts: int, author: str = "", base: Last | None = None) -> Clash | None:
    """Fold what a person did in the local tracker into the registers. `base`: what they could see, if not `last`."""
    reg, base = state.regs.get(key), base or state.last_of(key)
    me = state.replica
    n = max(base.vv.get(me, 0), reg.vv.get(me, 0) if reg else 0, state.last_of(key).vv.get(me, 0)) + 1
    vv = {**base.vv, me: n}
    if reg is None or r.within(reg.vv, base.vv):
        ts = max(ts, reg.ts + 1 if reg else 0)
    change = Register(val, vv, me, n, ts, state.side, author)
    clash = None
    if reg is None:
        new = change
    else:
        new, clash = r.combine(key, change, reg, state.policy(key))
    state.last[key] = Last(val, vv, me, n)
    state.regs[key] = Register(new.val, new.vv, new.rid, new.n, new.ts, new.side, new.author, state.out_seq + 1)
    return clash


# ------------------------------------------------------------------ as JSON
_SAME = {"same": 1}


def register_to_json(reg: Register) -> list[Any]:
    return [reg.val, dict(reg.vv), reg.rid, reg.n, reg.ts, reg.side, reg.author, reg.chg]


def register_from_json(doc: Any) -> Register:
    """Raises DataError on anything that register_to_json never makes."""
    try:
        val, vv, rid, n, ts, side, author, chg = doc
        ok = isinstance(vv, dict) and all(isinstance(x, int) for x in (*vv.values(), n, ts, chg)) and isinstance(rid, str)
    except (TypeError, ValueError):
        ok = False
    if not ok:
        raise DataError("A stored register is damaged.")
    return Register(val, vv, rid, n, ts, side, author, chg)


def to_json(state: State) -> dict[str, Any]:
    """The document kept in PairState; counters and policies live elsewhere. A last value equal to its register's is not
    written twice: it is most of the bytes."""
    return {
        "regs": {key: register_to_json(reg) for key, reg in state.regs.items()},
        "last": {key: _last_to_json(state, key, last) for key, last in state.last.items()},
        "twins": state.twins,
        "refused": state.refused,
        "fresh": state.fresh,
        "watch": {k: [w.val, dict(w.vv), w.rid, w.n, w.seen, dict(w.seen_vv), w.since] for k, w in state.watch.items()},
        "peer_epoch": state.peer_epoch,
    }


def _last_to_json(state: State, key: str, last: Last) -> list[Any]:
    reg = state.regs.get(key)
    same = reg is not None and isinstance(last.val, dict | str) and reg.val == last.val
    return [_SAME if same else last.val, dict(last.vv), last.rid, last.n]


def from_json(doc: Mapping[str, Any], *, side: str, **columns: Any) -> State:
    """Raises DataError when the document is damaged."""
    state = State(side=side, **columns)
    try:
        state.regs = {key: register_from_json(reg) for key, reg in doc.get("regs", {}).items()}
        for key, (val, vv, rid, n) in doc.get("last", {}).items():
            state.last[key] = Last(state.regs[key].val if val == _SAME else val, vv, rid, n)
        state.twins = dict(doc.get("twins", {}))
        state.refused = dict(doc.get("refused", {}))
        state.fresh = bool(doc.get("fresh", False))
        state.watch = {key: Watch(*value) for key, value in doc.get("watch", {}).items()}
        state.peer_epoch = int(doc.get("peer_epoch", 0))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DataError("The stored state of this issue is damaged.") from error
    return state
