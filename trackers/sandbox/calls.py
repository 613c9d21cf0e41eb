"""The list of API calls that a sandbox received; pages and the control interface are not in it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

from trackers.sandbox.wire import Request

Call = dict[str, Any]
KEPT = 50_000  # the oldest go first


class Calls:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def note(self, request: Request, *, status: int, user: str, fault: str = "") -> None:
        """`status` is what the caller was told; 0 when the connection was dropped instead (`fault` says how)."""
        call = {
            "method": request.method,
            "path": request.target,
            "status": status,
            "user": user,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "body": request.body,
            "fault": fault or None,
        }
        with self._lock:
            self._calls.append(call)
            if len(self._calls) > KEPT:
                del self._calls[: KEPT // 10]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def shown(self) -> list[Call]:
        with self._lock:
            calls = list(self._calls)
        return [{**call, "body": _readable(call["body"])} for call in calls]


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
