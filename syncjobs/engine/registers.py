"""A register: one hub key's value, the change that made it (its dot) and all changes known with it. PURE.

Keys are strings: `f/summary` a scalar, `s/labels/red` one element of a set, `e/comment/alive/A:17` and
`e/comment/body/A:17` a comment whose original lives on side A under id 17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exalate.errors import DataError

Vector = Mapping[str, int]  # replica id -> number of its changes that are known


def scalar(hub: str) -> str:
    return f"f/{hub}"


def element(hub: str, value: str) -> str:
    return f"s/{hub}/{value}"


def entity(kind: str, what: str, uid: str) -> str:
    return f"e/{kind}/{what}/{uid}"


def hub_of(key: str) -> str:
    """The hub field that a key belongs to; comments for comments."""
    kind, rest = key.split("/", 1)
    return "comments" if kind == "e" else rest.split("/", 1)[0]


def element_of(key: str) -> str:
    return key.split("/", 2)[2]


def uid_of(key: str) -> str:
    return key.split("/", 3)[3]


def is_scalar(key: str) -> bool:
    return key.startswith("f/")


def is_element(key: str) -> bool:
    return key.startswith("s/")


def is_alive(key: str) -> bool:
    return key.startswith("e/") and key.split("/", 3)[2] == "alive"


def is_body(key: str) -> bool:
    return key.startswith("e/") and key.split("/", 3)[2] == "body"


def join(a: Vector, b: Vector) -> dict[str, int]:
    return {replica: max(a.get(replica, 0), b.get(replica, 0)) for replica in {**a, **b}}


def within(a: Vector, b: Vector) -> bool:
    """Every change in `a` is known in `b`."""
    return all(n <= b.get(replica, 0) for replica, n in a.items())


@dataclass(frozen=True)
class Register:
    """(`rid`, `n`) is the dot: the one human change that made `val`. `ts`: hybrid time, ms. `chg`: the outgoing sequence
    number in which it last changed here; 0 when the partner need not be told."""

    val: Any
    vv: Vector
    rid: str
    n: int
    ts: int = 0
    side: str = ""
    author: str = ""
    chg: int = 0

    @property
    def dot(self) -> tuple[str, int]:
        return (self.rid, self.n)


@dataclass(frozen=True)
class Clash:
    """Two concurrent values of one key; `winner` stands on both sides."""

    key: str
    winner: Register
    loser: Register
    policy: str


def knows(vv: Vector, register: Register) -> bool:
    return vv.get(register.rid, 0) >= register.n


def combine(key: str, x: Register, y: Register, policy: str) -> tuple[Register, Clash | None]:
    """The register that both lead to. Commutative, idempotent; the winner of a conflict depends only on what travels
    with the values and keeps its own dot and time. Raises DataError when one event has two values."""
    vv = join(x.vv, y.vv)
    x_known, y_known = knows(y.vv, x), knows(x.vv, y)
    if x_known and y_known:
        if x.val != y.val:
            raise DataError(f"One change of {key} arrived with two different values.")
        return replace(x, vv=vv), None
    if x_known:
        return replace(y, vv=vv), None
    if y_known:
        return replace(x, vv=vv), None
    x_wins = _rank(key, x, policy) >= _rank(key, y, policy)
    winner, loser = (x, y) if x_wins else (y, x)
    clash = Clash(key, winner, loser, policy) if x.val != y.val else None
    return replace(winner, vv=vv), clash


def _rank(key: str, register: Register, policy: str) -> tuple[Any, ...]:
    """A total order: the dot is in it, or equal times would let the two nodes differ. It must never fall along one
    side's own changes: "add wins" for elements does (an addition, then its removal) and let two sides keep different
    labels after a restore (world seed 79), so elements go by time and an addition wins only a tie."""
    newest = (register.ts, register.side, register.rid, register.n)
    if is_alive(key):
        return (register.val is False, *newest)  # delete wins, whatever the policy for values
    if is_element(key):
        return (register.ts, register.val is True, register.side, register.rid, register.n)
    if policy in ("A", "B"):
        return (register.side == policy, *newest)
    return newest
