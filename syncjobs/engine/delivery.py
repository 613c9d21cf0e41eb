"""One message per pair: the registers that the partner may lack, never events. PURE. sync-semantics 5 and 9.9.

Merging is idempotent and commutative, so a message that is repeated, late or overtaken does no harm; the numbers only
say what need not be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from syncjobs.engine import registers as r
from syncjobs.engine.registers import Clash, Register
from syncjobs.engine.state import State, register_from_json, register_to_json


@dataclass(frozen=True)
class Received:
    ack: Mapping[str, Any]
    changed: tuple[str, ...]  # keys with a new value
    clashes: tuple[Clash, ...]


def has_news(state: State) -> bool:
    return state.out_seq > state.acked


def message(state: State) -> dict[str, Any]:
    """The delta since the last acknowledgement; intermediate values vanish by themselves."""
    regs = {key: register_to_json(reg) for key, reg in state.regs.items() if reg.chg > state.acked}
    return {"epoch": state.epoch, "seq": state.out_seq, "since": state.acked, "regs": regs}


def receive(state: State, message: Mapping[str, Any]) -> Received:
    """Merge a partner's message; the caller commits before `ack` leaves. Raises DataError on a damaged register."""
    epoch = int(message["epoch"])
    if epoch > state.peer_epoch:
        peer_restored(state, epoch)
    stale = epoch < state.peer_epoch  # sent before the partner's restore: its values still count
    gap = int(message["since"]) > state.in_seq and not stale
    changed: list[str] = []
    clashes: list[Clash] = []
    if not gap:
        for key, doc in message["regs"].items():
            before = state.regs.get(key)
            clash = merge(state, key, register_from_json(doc))
            if before is None or before.val != state.regs[key].val:
                changed.append(key)
            if clash:
                clashes.append(clash)
        if stale:
            _give_back(state, message["regs"])
        else:
            state.in_seq = max(state.in_seq, int(message["seq"]))
    ack = {"seq": state.in_seq, "epoch": state.epoch, "of_epoch": epoch, "gap": gap}
    return Received(ack, tuple(changed), tuple(clashes))


def merge(state: State, key: str, incoming: Register) -> Clash | None:
    mine = state.regs.get(key)
    if mine is None:
        state.regs[key] = replace(incoming, chg=0)
        return None
    if r.within(incoming.vv, mine.vv) and dict(incoming.vv) != dict(mine.vv):
        return None
    new, clash = r.combine(key, mine, incoming, state.policy(key))
    state.regs[key] = replace(new, chg=mine.chg if mine.chg > state.acked else 0)
    return clash


def _give_back(state: State, keys: Mapping[str, Any]) -> None:
    """The partner has forgotten these in its restore."""
    state.out_seq += 1
    for key in keys:
        state.regs[key] = replace(state.regs[key], chg=state.out_seq)


def acknowledge(state: State, ack: Mapping[str, Any]) -> None:
    """Ignored when either epoch is not the current one; a gap may lower what counts as acknowledged."""
    if int(ack["epoch"]) < state.peer_epoch or int(ack["of_epoch"]) != state.epoch:
        return
    if ack["gap"]:
        state.acked = min(state.acked, int(ack["seq"]))
    else:
        state.acked = max(state.acked, min(int(ack["seq"]), state.out_seq))


def peer_restored(state: State, epoch: int) -> None:
    """The partner is a new replica that does not know what it forgot: a full exchange."""
    state.peer_epoch = epoch
    _send_everything(state)


def restored(state: State) -> None:
    """This node's database came from a backup: a new replica id, never jumped counters."""
    state.epoch += 1
    state.out_seq += state.epoch * 10**6
    _send_everything(state)


def _send_everything(state: State) -> None:
    state.out_seq += 1
    state.acked = state.in_seq = 0
    state.regs = {key: replace(reg, chg=state.out_seq) for key, reg in state.regs.items()}
