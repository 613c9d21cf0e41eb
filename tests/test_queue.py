"""Due pairs: nothing marked is missed, many marks cost one run, one worker has a pair at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from connections.models import Connection, ConnectionEnd
from syncjobs import queue
from syncjobs.models import PairState, SyncedIssue
from trackers.issue import Parts
from trackers.models import Instance

pytestmark = pytest.mark.django_db(transaction=True)


def make_pair(number: int = 1, lane: int = 0) -> SyncedIssue:
    instance, _ = Instance.objects.get_or_create(
        name="one", defaults={"kind": "memory", "url": "http://127.0.0.1", "status": "ok"}
    )
    connection, _ = Connection.objects.get_or_create(name="c", defaults={"state": "active"})
    end, _ = ConnectionEnd.objects.get_or_create(connection=connection, side="A", defaults={"instance": instance, "project": "P"})
    pair = SyncedIssue.objects.create(
        uid=f"u{number}", connection=connection, end=end, side="A", origin=True, local_id=str(number)
    )
    PairState.objects.create(pair=pair)
    return pair


def test_many_marks_are_one_run() -> None:
    pair = make_pair()
    for _ in range(5):
        queue.mark([pair.pk], door="test", parts=Parts.FIELDS)
    claim = queue.claim("w")
    assert claim is not None
    assert (claim.marked, claim.parts, claim.crashed) == (5, Parts.FIELDS, False)
    queue.release(claim)
    assert queue.claim("w") is None


def test_a_mark_during_the_run_is_not_missed() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test", parts=Parts.FIELDS)
    claim = queue.claim("w")
    queue.mark([pair.pk], door="test", parts=Parts.COMMENTS)
    assert queue.claim("w") is None, "one worker at a time"
    queue.release(claim)
    again = queue.claim("w")
    assert again is not None
    assert again.parts == Parts.COMMENTS


def test_a_run_that_failed_reads_what_it_was_to_read() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test", parts=Parts.FIELDS)
    queue.put_back(queue.claim("w"), until=timezone.now(), why="tracker down")
    queue.mark([pair.pk], door="test", parts=Parts.COMMENTS, debounce=False)
    assert queue.claim("w").parts == Parts.FIELDS | Parts.COMMENTS


def test_a_worker_that_lost_its_fence_releases_nothing() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    old = queue.claim("first")
    SyncedIssue.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    new = queue.claim("second")
    assert new is not None
    assert new.crashed
    assert new.parts == Parts.ALL
    queue.release(old)
    pair.refresh_from_db()
    assert pair.lease_by == "second"


def test_the_leases_of_a_dead_worker_are_freed() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    queue.claim(queue.worker_name().rsplit(":", 2)[0] + ":999999:1")
    assert queue.claim("w") is None
    assert queue.free_leases_of_the_dead() == 1
    assert queue.claim("w").pair_id == pair.pk


def test_the_living_keep_their_leases() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    queue.claim(queue.worker_name())
    assert queue.free_leases_of_the_dead() == 0
    assert queue.lives("another-host:1:1")


def test_live_goes_before_bulk_and_the_oldest_first() -> None:
    pairs = [make_pair(number) for number in range(3)]
    for pair, lane in zip(pairs, (SyncedIssue.Lane.BULK, SyncedIssue.Lane.LIVE, SyncedIssue.Lane.LIVE), strict=True):
        queue.mark([pair.pk], door="test", lane=lane)
    assert [queue.claim("w").pair_id for _ in pairs] == [pairs[1].pk, pairs[2].pk, pairs[0].pk]


@pytest.mark.parametrize("change", ["connection", "instance", "blocked", "full", "closed"])
def test_what_is_paused_blocked_full_or_closed_is_not_claimed(change: str) -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    full = [pair.end.instance_id] if change == "full" else []
    if change == "connection":
        Connection.objects.update(state="deactivated")
    elif change == "instance":
        Instance.objects.update(status="paused")
    elif change == "blocked":
        Instance.objects.update(blocked_until=timezone.now() + timedelta(seconds=60))
    elif change == "closed":
        SyncedIssue.objects.update(state="closed")
    assert queue.claim("w", full) is None


def test_a_mark_does_not_shorten_a_wait_but_a_person_does(settings: Any) -> None:
    pair = make_pair()
    later = timezone.now() + timedelta(seconds=60)
    queue.mark([pair.pk], door="test")
    queue.put_back(queue.claim("w"), until=later, why="rate limit")
    queue.mark([pair.pk], door="webhook")
    assert queue.claim("w") is None
    queue.mark([pair.pk], door="button", now_please=True, debounce=False)
    assert queue.claim("w") is not None


def test_a_write_in_doubt_waits_even_for_a_person() -> None:
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    queue.put_back(queue.claim("w"), until=timezone.now() + timedelta(seconds=60), why="confirming", in_doubt=True)
    queue.mark([pair.pk], door="button", now_please=True, debounce=False)
    assert queue.claim("w") is None


def test_quick_edits_wait_for_each_other(settings: Any) -> None:
    settings.DEBOUNCE_MS, settings.DEBOUNCE_MAX_MS = 60_000, 90_000
    pair = make_pair()
    queue.mark([pair.pk], door="test")
    pair.refresh_from_db()
    first = pair.not_before
    assert queue.claim("w") is None
    SyncedIssue.objects.update(due_since=timezone.now() - timedelta(seconds=80))
    queue.mark([pair.pk], door="test")
    pair.refresh_from_db()
    assert pair.not_before < first, "not longer than the longest wait after the first mark"


def test_two_workers_never_get_the_same_pair() -> None:
    for number in range(12):
        queue.mark([make_pair(number).pk], door="test")

    def take(name: str) -> list[int]:
        got = []
        try:
            for _ in range(12):
                claim = queue.claim(name)
                if claim:
                    got.append(claim.pair_id)
        finally:
            database.close()
        return got

    with ThreadPoolExecutor(3) as pool:
        taken = [pk for got in pool.map(take, ["a", "b", "c"]) for pk in got]
    assert sorted(taken) == sorted(SyncedIssue.objects.values_list("pk", flat=True))
