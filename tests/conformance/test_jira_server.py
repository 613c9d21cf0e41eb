"""Jira Server / Data Center against its sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from tests.conformance.contract import ConnectorContract
from tests.conformance.http_contract import HttpContract
from tests.conformance.world import SECRET, Delivery, World, lost_answers, receiver
from trackers.jira_server.connector import JiraServerConnector
from trackers.sandbox import Running, start


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = start("jira_server")
    yield running
    running.stop()


def unknown_event() -> Delivery:
    body = json.dumps({"webhookEvent": "issue_celebrated", "timestamp": 1}).encode()
    return {"X-Hub-Signature": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body


class TestJiraServer(ConnectorContract, HttpContract):
    missing = "PAY-987654"

    def connect(self, url: str, token: str, timeout: float) -> JiraServerConnector:
        return JiraServerConnector({"url": url, "token": token, "timeout": timeout, "webhook_secret": SECRET})

    @pytest.fixture
    def world(self, sandbox: Running) -> Iterator[World]:
        alice = {"url": sandbox.url, "username": "alice", "password": "sandbox-alice", "timeout": 10.0}
        with receiver() as inbox:
            yield World(
                tracker=self.connect(sandbox.url, "sandbox-proxy", 2.0),
                alice=JiraServerConnector(alice),
                project="PAY",
                alice_id=JiraServerConnector(alice).check().user.id,
                inbox=inbox,
                lost_answer=lambda: lost_answers(sandbox.url),
                unknown_event=unknown_event,
                missing=self.missing,
                delete=lambda key: JiraServerConnector(alice).client.session.call("DELETE", f"/rest/api/2/issue/{key}") and None,
                email="alice@example.com",
                query=lambda issue: f"key = {issue.key}",
                bad_query="no such field ~~ (",
                a_page=60,
                no_label_with="two words",
            )
