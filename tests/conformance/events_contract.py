"""The contract's points about events: whose writes are told (7), cursors (8), webhooks (12)."""

from __future__ import annotations

import pytest

from exalate.errors import WebhookRefused
from tests.conformance.world import SECRET, Delivery, World, fresh, said
from trackers.connector import IssueEvent
from trackers.issue import Issue, Parts, SetChange

needs = pytest.mark.needs


def changes_of(issue: Issue, events: list[IssueEvent]) -> list[IssueEvent]:
    return [event for event in events if issue.id == event.issue_id or issue.key == event.key]


def parsed(world: World, arrived: list[Delivery]) -> list[IssueEvent]:
    return [event for headers, body in arrived for event in world.tracker.parse_webhook(headers, body)]


class EventsContract:
    # ------------------------------------------------------------------ 7. ours
    def test_our_writes_are_ours_in_changes_and_hers_never_are(self, world: World, issue: Issue) -> None:
        proxy = world.tracker.check(world.project).user.id
        cursor = world.tracker.changes(world.project).cursor
        ours = world.tracker.create(world.project, {"summary": "ours"}, fresh()).issue
        assert ours is not None
        world.alice.update(issue.key, {"summary": "hers"}, base=issue)
        events, _ = world.later(cursor, lambda seen: bool(changes_of(issue, seen) and changes_of(ours, seen)))
        assert changes_of(ours, events)
        assert {event.by.id for event in changes_of(ours, events) if event.by} <= {proxy}
        # the first poll looks back a little: her creation may be told as well, but nothing of hers as ours
        assert changes_of(issue, events)
        assert proxy not in {event.by.id for event in changes_of(issue, events) if event.by}

    def test_our_write_does_not_cover_hers_in_changes(self, world: World, issue: Issue) -> None:
        """A poll that finds both tells of both, or of nobody: told as ours alone, hers would be lost."""
        proxy = world.tracker.check(world.project).user.id
        cursor = world.tracker.changes(world.project).cursor
        world.alice.update(issue.key, {"summary": "hers"}, base=issue)
        world.tracker.update(issue.key, {"labels": SetChange(add=("ours",))}, base=world.tracker.read(issue.key))
        events, _ = world.later(cursor, lambda seen: bool(changes_of(issue, seen)))
        assert {event.by.id if event.by else "" for event in changes_of(issue, events)} != {proxy}

    # ------------------------------------------------------------------ 8. cursor
    def test_more_changes_than_a_page_are_all_told(self, world: World) -> None:
        """Many of them in one unit of the tracker's clock: a boundary between equal times loses nothing."""
        cursor = world.tracker.changes(world.project).cursor
        made = {world.alice.create(world.project, {"summary": f"n {n}"}, fresh()).id for n in range(world.a_page)}
        events, end = world.later(cursor, lambda seen: made <= {event.issue_id for event in seen})
        assert made <= {event.issue_id for event in events}
        repeated, _ = world.later(cursor, lambda seen: made <= {event.issue_id for event in seen})
        assert made <= {event.issue_id for event in repeated}, "an old cursor repeats"
        late = world.alice.create(world.project, {"summary": "late"}, fresh()).id
        fresh_ones, _ = world.later(end, lambda seen: late in {event.issue_id for event in seen})
        assert late in {event.issue_id for event in fresh_ones}

    def test_a_poll_when_nothing_happened_tells_little(self, world: World, issue: Issue) -> None:
        cursor = world.tracker.changes(world.project).cursor
        _, cursor = world.later(cursor, lambda seen: True)
        events, _ = world.later(cursor, lambda seen: True)
        assert events == []

    # ------------------------------------------------------------------ 12. webhooks
    @needs("webhooks", "subscribes")
    def test_webhooks_arrive_signed_and_say_who(self, world: World, issue: Issue) -> None:
        proxy = world.tracker.check(world.project).user.id
        subscription = world.tracker.subscribe(world.project, world.inbox.url, SECRET)
        world.alice.update(issue.key, {"summary": "hers"}, base=issue)
        world.tracker.comment(issue.key, said("ours"), mark=fresh())
        arrived = world.inbox.wait(lambda got: {world.alice_id, proxy} <= {e.by.id for e in parsed(world, got) if e.by})
        events = parsed(world, arrived)
        assert all(changes_of(issue, [event]) for event in events)
        fields = [event for event in events if event.by and event.by.id == world.alice_id]
        comments = [event for event in events if event.by and event.by.id == proxy]
        assert Parts.FIELDS in fields[0].parts
        assert Parts.COMMENTS in comments[0].parts
        again = world.tracker.subscribe(world.project, world.inbox.url, SECRET)
        assert again.id == subscription.id, "one address, one webhook"
        world.tracker.unsubscribe(world.project, subscription)
        world.tracker.unsubscribe(world.project, subscription)

    @needs("webhooks", "subscribes")
    def test_a_delivery_is_known_again_and_a_forged_one_refused(self, world: World, issue: Issue) -> None:
        subscription = world.tracker.subscribe(world.project, world.inbox.url, SECRET)
        world.alice.update(issue.key, {"summary": "first"}, base=issue)
        world.inbox.wait(lambda got: len(parsed(world, got)) > 0)
        world.alice.update(issue.key, {"summary": "second"}, base=world.tracker.read(issue.key))
        arrived = world.inbox.wait(lambda got: len({e.delivery for e in parsed(world, got)}) > 1)
        world.tracker.unsubscribe(world.project, subscription)
        assert len({event.delivery for event in parsed(world, arrived)}) > 1
        headers, body = arrived[-1]
        assert world.tracker.parse_webhook(headers, body) == world.tracker.parse_webhook(headers, body)
        unsigned = {name: value for name, value in headers.items() if "signature" not in name.lower()}
        wrong = {name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in headers.items()}
        cut = {name: value[:-1] if "signature" in name.lower() else value for name, value in headers.items()}
        for bad in (unsigned, {**headers, **wrong}, cut):
            with pytest.raises(WebhookRefused):
                world.tracker.parse_webhook(bad, body)
        with pytest.raises(WebhookRefused):
            world.tracker.parse_webhook(headers, body + b" ")

    @needs("webhooks")
    def test_an_unknown_event_is_no_event(self, world: World) -> None:
        headers, body = world.unknown_event()
        assert world.tracker.parse_webhook(headers, body) == ()
