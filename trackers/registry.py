"""The table of trackers: kind -> class. A new tracker is one line here and one folder beside this file."""

from __future__ import annotations

from importlib import import_module

from trackers.connector import Connector

KINDS = {
    "jira_server": "trackers.jira_server.connector.JiraServerConnector",
    "github": "trackers.github.connector.GitHubConnector",
    "memory": "trackers.memory.MemoryConnector",  # the reference, for tests
}
OFFERED = ("jira_server", "github")  # what an admin can add


def connector_class(kind: str) -> type[Connector]:
    """The class for `kind`; KeyError when there is none."""
    module, name = KINDS[kind].rsplit(".", 1)
    found: type[Connector] = getattr(import_module(module), name)
    return found


def offered() -> list[type[Connector]]:
    return [connector_class(kind) for kind in OFFERED]
