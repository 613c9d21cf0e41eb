"""The reference connector passes first."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exalate.errors import Unavailable
from tests.conformance.contract import ConnectorContract
from tests.conformance.world import SECRET, Delivery, Inbox, World
from trackers.memory import MemoryConnector, MemoryTracker


class TestMemory(ConnectorContract):
    @pytest.fixture
    def world(self) -> World:
        tracker, inbox = MemoryTracker(), Inbox("memory:inbox")
        tracker.deliver = lambda url, headers, body: inbox.arrived.append((dict(headers), body))

        @contextmanager
        def lost_answer() -> Iterator[None]:
            def lose(name: str, arguments: tuple[Any, ...]) -> None:
                raise Unavailable("The answer was lost")

            tracker.after, kept = lose, tracker.after
            yield
            tracker.after = kept

        def unknown_event() -> Delivery:
            body = json.dumps({"kind": "celebrated"}).encode()
            return {"X-Signature": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}, body

        return World(
            tracker=MemoryConnector({"tracker": tracker, "webhook_secret": SECRET}),
            alice=MemoryConnector({"tracker": tracker, "login": "alice"}),
            project="MEM",
            alice_id="alice",
            inbox=inbox,
            lost_answer=lost_answer,
            unknown_event=unknown_event,
            delete=lambda key: tracker.delete("bob", key),
            email="alice@example.com",
            query=lambda issue: f"key={issue.key}",
            bad_query="?",
        )
