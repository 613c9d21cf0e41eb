"""An issue in Jira and one in GitHub stay in step."""

from __future__ import annotations

from typing import Any

import pytest

from exalate.errors import BadInput, NotFound
from syncjobs import actions
from syncjobs.models import HistoryEntry, SyncedIssue, SyncError

from .conftest import World

BODY = """# Steps

1. Open the *cart*
2. Pay with **card**
   - Visa
   - Amex

```python
print("hi")
```

| Browser | Works |
| --- | --- |
| Firefox | yes 🎉 |

Ask @bob about it.
"""


def test_a_github_issue_gets_a_twin_in_jira(world: World) -> None:
    key = world.g.create("Cart is empty", BODY, labels=["bug"])
    pair = world.exalate(key)
    twin = world.a.issue(pair.remote_key)
    assert twin["summary"] == "Cart is empty"
    assert twin["labels"] == ["bug"]
    assert twin["status"]["name"] == "To Do"
    assert "h1. Steps" in twin["description"]
    assert "🎉" in twin["description"]
    assert "[~bob]" in twin["description"]  # bob is in the user map
    assert actions.status_of(pair) == "synchronized"
    assert actions.view_of(pair)["remote"]["url"].endswith(f"/browse/{pair.remote_key}")


def test_a_jira_issue_gets_a_twin_in_github(world: World) -> None:
    key = world.a.create("Refund fails", "h2. Where\n\n* shop\n* app", labels=["refund"], priority={"name": "High"})
    world.a.move(key, "In Progress")
    world.a.say(key, "First comment")
    pair = world.exalate(key)
    twin = world.g.issue(pair.remote_key)
    assert (twin["title"], twin["state"]) == ("Refund fails", "open")
    assert [label["name"] for label in twin["labels"]] == ["refund"]
    assert [comment["body"].split("\n")[0] for comment in world.g.comments(pair.remote_key)] == ["First comment"]
    world.poll()
    assert world.a.issue(key)["status"]["name"] == "In Progress"  # open is no news about In Progress


def test_edits_go_both_ways(world: World) -> None:
    key = world.g.create("One", "Text")
    pair = world.exalate(key)
    jira = pair.remote_key
    world.g.edit(key, title="Two", labels=["x", "y"])
    world.a.edit(jira, description="New *text* from Jira")
    world.a.move(jira, "Done")
    world.poll()
    assert world.a.issue(jira)["summary"] == "Two"
    assert world.a.issue(jira)["labels"] == ["x", "y"]
    assert world.g.issue(key)["body"].startswith("New **text** from Jira")
    assert world.g.issue(key)["state"] == "closed"
    world.g.edit(key, state="open", labels=["y"])
    world.poll()
    assert world.a.issue(jira)["status"]["name"] == "To Do"
    assert world.a.issue(jira)["labels"] == ["y"]


def test_comments_are_added_edited_and_deleted(world: World) -> None:
    key = world.g.create("One")
    pair = world.exalate(key)
    jira = pair.remote_key
    mine = world.g.say(key, "from **GitHub**")
    world.poll()
    [copy] = world.a.comments(jira)
    assert copy["body"] == "from *GitHub*"
    theirs = world.a.say(jira, "from Jira")
    world.g.resay(mine, "edited")
    world.poll()
    assert [c["body"] for c in world.a.comments(jira)] == ["edited", "from Jira"]
    assert "from Jira" in world.g.comments(key)[1]["body"]
    world.g.unsay(key, mine)
    world.a.resay(jira, theirs, "edited in Jira")
    world.poll()
    assert [c["body"] for c in world.a.comments(jira)] == ["edited in Jira"]
    assert [c["body"].split("\n")[0] for c in world.g.comments(key)] == ["edited in Jira"]


def test_changes_on_both_sides_at_once_are_a_conflict_and_both_end_equal(world: World) -> None:
    key = world.g.create("Start")
    pair = world.exalate(key)
    world.g.edit(key, title="GitHub says")
    world.a.edit(pair.remote_key, summary="Jira says")
    world.poll()
    titles = {world.g.issue(key)["title"], world.a.issue(pair.remote_key)["summary"]}
    assert len(titles) == 1
    [conflict] = world.conflicts()
    assert {conflict["winner"], conflict["loser"]} == {"GitHub says", "Jira says"}
    assert conflict["field"] == "summary"


def test_the_assignee_crosses_by_the_user_map(world: World) -> None:
    key = world.g.create("One", assignees=["bob"])
    pair = world.exalate(key)
    assert world.a.issue(pair.remote_key)["assignee"]["name"] == "bob"
    world.a.edit(pair.remote_key, assignee={"name": "alice"})
    world.poll()
    assert [one["login"] for one in world.g.issue(key)["assignees"]] == ["alice"]


def test_after_the_last_edit_the_call_log_goes_quiet(world: World) -> None:
    key = world.g.create("One", BODY)
    pair = world.exalate(key)
    world.g.edit(key, title="Two")
    world.poll()
    world.poll()
    world.forget_calls()
    before = HistoryEntry.objects.filter(verb__in=("wrote", "sent")).count()
    for _ in range(3):
        actions.sync_now(pair)
        world.settle()
    writes = [call for tracker in (world.jira, world.github) for call in world.calls(tracker) if not call.startswith("GET")]
    assert writes == []
    assert HistoryEntry.objects.filter(verb__in=("wrote", "sent")).count() == before


def test_the_same_issue_exalated_twice_is_the_same_pair(world: World) -> None:
    key = world.g.create("One")
    pair = world.exalate(key)
    for text in (key, world.g.issue(key)["html_url"], pair.remote_key):
        again, created = actions.exalate(world.connection, text)
        assert (again.pk, created) == (pair.pk, False)
    assert SyncedIssue.objects.count() == 2


def test_an_unknown_issue_is_refused_by_name(world: World) -> None:
    with pytest.raises(NotFound, match="acme/demo#999"):
        actions.exalate(world.connection, "acme/demo#999")
    with pytest.raises(BadInput, match="not an issue of"):
        actions.exalate(world.connection, "no such thing")
    assert SyncedIssue.objects.count() == 0


def test_an_unmapped_status_is_shown_and_holds_nothing_else(world: World) -> None:
    key = world.g.create("One")
    pair = world.exalate(key)
    rules = world.connection.ends.get(side="A").rule_versions.get()
    row = next(row for row in rules.rows if row["hub"] == "status")
    row["into"] = {"To Do": "To Do"}
    rules.pk, rules.version = None, 2
    rules.save()
    world.g.edit(key, state="closed", title="Two")
    world.poll()
    assert world.a.issue(pair.remote_key)["summary"] == "Two"
    assert world.a.issue(pair.remote_key)["status"]["name"] == "To Do"
    assert actions.status_of(pair) == "partly"
    [error] = SyncError.objects.filter(state="open")
    assert "Done" in error.message
    world.g.edit(key, state="open")
    world.poll()
    assert actions.status_of(pair) == "synchronized"
    assert not SyncError.objects.filter(state="open").exists()


def test_unexalate_leaves_both_issues_and_ends_the_sync(world: World) -> None:
    key = world.g.create("One")
    pair = world.exalate(key)
    actions.unexalate(pair, by="tester")
    world.g.edit(key, title="Two")
    world.poll()
    assert world.a.issue(pair.remote_key)["summary"] == "One"
    pair.refresh_from_db()
    assert actions.status_of(pair) == "closed"
    again, created = actions.exalate(world.connection, key)
    assert created
    assert again.uid != pair.uid


def _kinds(calls: list[str]) -> list[Any]:
    return [call.split("?")[0] for call in calls]
