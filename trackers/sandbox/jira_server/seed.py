"""What a fresh Jira sandbox holds: two projects, three users, two issues in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackers.sandbox.jira_server import actions
from trackers.sandbox.jira_server.catalogue import FOUNDED
from trackers.sandbox.store import Doc, Store

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

STORY, TASK, BUG = "10001", "10002", "10004"
REFUNDS = """\
h2. What happens

Refunds of more than *500 EUR* wait for a second approval, but the _approver_ gets no mail. 📭

h2. Steps

# Refund an order of 600 EUR as {{clerk}}
# Look into the approver's mailbox

* Seen on production
* Not seen on staging

||amount||mail||
|499 EUR|not needed|
|600 EUR|*missing*|

{code:python}
if refund.amount > LIMIT:
    notify(refund.approver)  # approver is None here
{code}

bq. Asked for by accounting, see [the guide|https://docs.example.com/refunds].
"""


def users_and_projects(store: Store) -> None:
    # the proxy may register webhooks, which needs an administrator; its time zone is not the server's
    _user(store, "proxy", "JIRAUSER10100", "Sync Proxy", zone="Europe/Brussels", admin=True)
    _user(store, "alice", "JIRAUSER10101", "Alice Ek", admin=True, system_admin=True)
    _user(store, "bob", "JIRAUSER10102", "Bob Lindt")
    _project(store, "10000", "PAY", "Payments", "Everything that moves money")
    _project(store, "10001", "OPS", "Operations", "Servers, backups, on-call")


def issues(tracker: JiraServer) -> None:
    first = _issue(
        tracker, "alice", "10000", BUG, "Approver of a large refund gets no mail", REFUNDS, "2", ["mail", "refunds"], "bob"
    )
    actions.comment(
        tracker, "bob", first, "The approver is looked up *before* the order is loaded.\n\nI have a fix: {{load_order()}} first."
    )
    actions.move(tracker, "bob", first, "21")
    receipts = "As a customer I want to download receipts as PDF, so that I can hand them in."
    _issue(tracker, "bob", "10000", STORY, "Download receipts as PDF", receipts, "3", [], None)
    _issue(
        tracker,
        "alice",
        "10001",
        TASK,
        "Renew the certificate of the status page",
        "It runs out on 2026-12-20.",
        "2",
        [],
        "alice",
    )
    _issue(
        tracker,
        "bob",
        "10001",
        BUG,
        "Nightly backup reports success on a full disk",
        "See the log of {{backup-3}}.",
        "1",
        ["backup"],
        None,
    )


def _issue(
    tracker: JiraServer,
    by: str,
    project: str,
    kind: str,
    summary: str,
    text: str,
    priority: str,
    labels: list[str],
    to: str | None,
) -> Doc:
    fields = {"project": project, "type": kind, "summary": summary, "description": text, "priority": priority}
    return actions.create_issue(tracker, by, {**fields, "labels": labels, "assignee": to})


def _user(
    store: Store, name: str, key: str, display: str, *, zone: str = "Etc/UTC", admin: bool = False, system_admin: bool = False
) -> None:
    doc = {"name": name, "key": key, "display": display, "email": f"{name}@example.com", "zone": zone, "active": True}
    doc |= {"admin": admin, "system_admin": system_admin, "groups": ["jira-software-users"], "denied": []}
    store.put("users", name, doc)


def _project(store: Store, number: str, key: str, name: str, description: str) -> None:
    doc = {"id": number, "key": key, "name": name, "description": description, "lead": "alice", "created": FOUNDED}
    store.put("projects", number, doc)
