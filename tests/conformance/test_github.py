"""GitHub against its sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from tests.conformance.contract import ConnectorContract
from tests.conformance.http_contract import HttpContract
from tests.conformance.world import SECRET, Delivery, World, lost_answers, receiver
from trackers.github.connector import GitHubConnector
from trackers.sandbox import Running, start


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = start("github")
    yield running
    running.stop()


def unknown_event() -> Delivery:
    body = json.dumps({"action": "started", "repository": {"full_name": "acme/demo"}}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-GitHub-Event": "celebration", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": signature}, body


class TestGitHub(ConnectorContract, HttpContract):
    missing = "acme/demo#987654"
    flaws = {"test_a_read_by_id_is_a_read_by_key": "GitHub's REST API reads no issue by its immutable id"}  # noqa: RUF012

    def connect(self, url: str, token: str, timeout: float) -> GitHubConnector:
        return GitHubConnector({"url": url, "token": token, "timeout": timeout, "webhook_secret": SECRET})

    @pytest.fixture
    def world(self, sandbox: Running) -> Iterator[World]:
        alice = self.connect(sandbox.url, "sandbox-alice", 10.0)
        with receiver() as inbox:
            yield World(
                tracker=self.connect(sandbox.url, "sandbox-proxy", 2.0),
                alice=alice,
                project="acme/demo",
                alice_id=alice.check().user.id,
                inbox=inbox,
                lost_answer=lambda: lost_answers(sandbox.url),
                unknown_event=unknown_event,
                missing=self.missing,
                no_project="acme/nope",
                query=lambda issue: f"repo:acme/demo {issue.summary}",
                a_page=105,
            )
