"""What may go wrong on purpose: slowness, refusals, the three kinds of time-outs, lost and repeated webhooks, a rate limit."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass
from typing import Any

NEVER_ARRIVED, ARRIVED, ARRIVES_LATE = TIMEOUT_KINDS = ("never_arrived", "arrived", "arrives_late")
RATES = ("fail_rate", "timeout_rate", "lose_webhooks", "duplicate_webhooks")
DEFAULTS: dict[str, Any] = {
    "latency_ms": 0,
    "fail_rate": 0.0,
    "timeout_rate": 0.0,
    "lose_webhooks": 0.0,
    "duplicate_webhooks": 0.0,
    "rate_limit": 0,
    "timeout_kind": None,
    "seed": None,
}


class BadFault(ValueError):
    """The sentence says which value is wrong."""


@dataclass(frozen=True)
class Fate:
    """What happens to one call. `kind`: "", "fail" or one of TIMEOUT_KINDS."""

    kind: str = ""
    latency_s: float = 0.0
    late_s: float = 0.0
    status: int = 0


@dataclass(frozen=True)
class Allowance:
    """Where a user stands with the calls of this minute (or, without a limit, of this hour)."""

    limit: int
    used: int
    reset_at: int
    limited: bool
    refused: bool

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def wait(self, now: float) -> int:
        return max(1, math.ceil(self.reset_at - now))


class Faults:
    NO_LIMIT = 1_000_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.values = dict(DEFAULTS)
        self._random = random.Random()
        self._windows: dict[str, tuple[int, int]] = {}

    def change(self, given: Any) -> None:
        """Take over what is given and keep the rest; BadFault when anything in it is wrong, and then nothing changes."""
        if not isinstance(given, dict):
            raise BadFault("Send a JSON object.")
        for name, value in given.items():
            _check(name, value)
        with self._lock:
            self.values.update(given)
            if given.get("seed") is not None:
                self._random = random.Random(given["seed"])
            if "rate_limit" in given:
                self._windows.clear()

    def fate(self, *, write: bool) -> Fate:
        values = self.values
        if not (values["latency_ms"] or values["fail_rate"] or values["timeout_rate"]):
            return Fate()
        latency = values["latency_ms"] / 1000
        with self._lock:
            if self._random.random() < values["fail_rate"]:
                return Fate("fail", latency, status=self._random.choice((502, 503)))
            if write and self._random.random() < values["timeout_rate"]:
                kind = values["timeout_kind"] or self._random.choice(TIMEOUT_KINDS)
                return Fate(kind, latency, late_s=self._random.uniform(1, 4))
        return Fate("", latency)

    def webhook_copies(self) -> int:
        """How many times a webhook is sent: 0 lost, 1, or 2."""
        with self._lock:
            if self._random.random() < self.values["lose_webhooks"]:
                return 0
            return 2 if self._random.random() < self.values["duplicate_webhooks"] else 1

    def spend(self, user: str, now: float | None = None) -> Allowance:
        """Count one call of `user`."""
        now = time.time() if now is None else now
        limit = self.values["rate_limit"]
        length = 60 if limit else 3600
        with self._lock:
            reset_at, used = self._windows.get(user, (0, 0))
            if now >= reset_at:
                reset_at, used = math.floor(now) + length, 0
            refused = bool(limit) and used >= limit
            used += 0 if refused else 1
            self._windows[user] = (reset_at, used)
        return Allowance(limit or self.NO_LIMIT, used, reset_at, bool(limit), refused)

    def give_back(self, user: str) -> None:
        """A call that turned out to cost nothing (GitHub's 304)."""
        with self._lock:
            reset_at, used = self._windows.get(user, (0, 0))
            self._windows[user] = (reset_at, max(0, used - 1))

    def standing(self, user: str) -> Allowance:
        reset_at, used = self._windows.get(user, (math.floor(time.time()) + 3600, 0))
        limit = self.values["rate_limit"]
        return Allowance(limit or self.NO_LIMIT, used, reset_at, bool(limit), False)


def _check(name: str, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if name not in DEFAULTS:
        raise BadFault(f"There is no fault {name!r}; there are {', '.join(DEFAULTS)}.")
    if name in RATES and not (number and 0 <= value <= 1):
        raise BadFault(f"{name} must be a number from 0 to 1.")
    if name == "latency_ms" and not (number and 0 <= value <= 600_000):
        raise BadFault("latency_ms must be a number from 0 to 600000.")
    if name == "rate_limit" and not (isinstance(value, int) and number and value >= 0):
        raise BadFault("rate_limit must be a whole number of calls a minute; 0 is no limit.")
    if name == "timeout_kind" and value not in (None, *TIMEOUT_KINDS):
        raise BadFault(f"timeout_kind must be null or one of {', '.join(TIMEOUT_KINDS)}.")
    if name == "seed" and value is not None and not (isinstance(value, int) and number):
        raise BadFault("seed must be a whole number or null.")
