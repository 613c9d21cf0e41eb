"""Sends webhooks from threads of their own: at most 10 seconds each, never again when that failed, as the vendors do."""

from __future__ import annotations

import http.client
import itertools
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from trackers.sandbox.faults import Faults

TIMEOUT_S = 10
THREADS = 8


@dataclass
class Delivery:
    """One webhook on its way or done. `status`: the receiver's answer, 0 when there was none."""

    hook: int
    event: str
    url: str
    headers: dict[str, str]
    body: bytes
    id: int = 0
    action: str = ""
    guid: str = ""
    redelivery: bool = False
    at: float = field(default_factory=time.time)
    seconds: float = 0.0
    status: int = 0
    outcome: str = "pending"  # then "sent", "failed" or "lost"


class Deliveries:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.recent: deque[Delivery] = deque(maxlen=500)
        self._ids = itertools.count(time.time_ns() // 1_000_000)
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._pending = 0
        self._threads = [threading.Thread(target=self._work, daemon=True, name="webhooks") for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def send(self, delivery: Delivery) -> None:
        """Queue it; the faults decide whether it goes out not at all, once or twice."""
        delivery.id = next(self._ids)
        self.recent.append(delivery)
        copies = self.faults.webhook_copies()
        if copies == 0:
            delivery.outcome = "lost"
        for _ in range(copies):
            self._enqueue(delivery)

    def again(self, delivery: Delivery) -> Delivery:
        """Send a former delivery once more under its own GUID."""
        copy = Delivery(delivery.hook, delivery.event, delivery.url, delivery.headers, delivery.body)
        copy.id, copy.guid, copy.action, copy.redelivery = next(self._ids), delivery.guid, delivery.action, True
        self.recent.append(copy)
        self._enqueue(copy)
        return copy

    def wait_idle(self, timeout: float = 15) -> bool:
        """True once nothing is on its way."""
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, timeout)

    def stop(self) -> None:
        for _ in self._threads:
            self._queue.put(None)

    def shown(self) -> list[dict[str, Any]]:
        return [
            {
                "id": one.id,
                "hook": one.hook,
                "event": one.event,
                "action": one.action,
                "url": one.url,
                "status": one.status,
                "outcome": one.outcome,
                "seconds": round(one.seconds, 3),
            }
            for one in list(self.recent)
        ]

    def _enqueue(self, delivery: Delivery) -> None:
        with self._idle:
            self._pending += 1
        self._queue.put(delivery)

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            _post(delivery)
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()


def _post(delivery: Delivery) -> None:
    started = time.monotonic()
    try:
        parts = urlsplit(delivery.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, delivery.body, delivery.headers)
            delivery.status = connection.getresponse().status
        finally:
            connection.close()
        delivery.outcome = "sent" if 200 <= delivery.status < 300 else "failed"
    except (OSError, http.client.HTTPException, ValueError):
        delivery.outcome = "failed"
    delivery.seconds = time.monotonic() - started
