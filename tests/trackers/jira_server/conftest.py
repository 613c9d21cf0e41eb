"""A stub of Jira that checks each request, and a connector to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trackers.jira_server import connector as module
from trackers.jira_server.connector import JiraServerConnector

from .vendor import Stub, stub


@pytest.fixture
def jira() -> Iterator[Stub]:
    """Checks at the end that every request was as described."""
    module._edges.clear()
    with stub() as server:
        yield server
        server.check()


@pytest.fixture
def tracker(jira: Stub) -> JiraServerConnector:
    return JiraServerConnector({"url": jira.url + "/", "token": "sandbox-proxy", "timeout": 5.0})
