"""Due pairs: mark, claim, fence, release. The only module that knows django-q2, which wakes and schedules and never
holds the record of work.

Due work is a pair of counters on the row: a mark adds one to `marked`, a finished run writes the count it started from
to `worked`; nothing is missed and many marks cost one run. The lock is a lease with a fence, taken by compare-and-swap,
so that SQLite and PostgreSQL behave alike; PostgreSQL's SKIP LOCKED keeps claimers out of each other's way.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Least
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from connections.models import Connection
from syncjobs.job import Claim
from syncjobs.models import Heartbeat, SyncedIssue
from trackers.issue import Parts
from trackers.models import Instance

CANDIDATES = 8
TAKEN = ("pk", "fence", "marked", "parts", "lane", "door", "attempts", "lease_until")
PUMP, SWEEP = "syncjobs.tasks.pump", "syncjobs.tasks.sweep"


# ------------------------------------------------------------------ marking
def mark(
    ids: Iterable[int],
    *,
    door: str,
    parts: Parts = Parts.NONE,
    lane: int = SyncedIssue.Lane.LIVE,
    debounce: bool = True,
    now_please: bool = False,
) -> int:
    """Note that pairs are due. `debounce`: wait a moment for more marks. `now_please`: a person asked, so a back-off ends;
    a write in doubt still waits. Returns how many rows were marked."""
    now = timezone.now()
    wait = timedelta(milliseconds=settings.DEBOUNCE_MS if debounce else 0)
    longest = timedelta(milliseconds=settings.DEBOUNCE_MAX_MS)
    latest = ExpressionWrapper(Coalesce(F("due_since"), Value(now)) + Value(longest), output_field=DateTimeField())
    soon = Least(Value(now + wait), latest) if debounce else Value(now)
    waits = Q(in_doubt=True) if now_please else ~Q(waiting_for="")
    return SyncedIssue.objects.filter(pk__in=list(ids), state=SyncedIssue.State.ACTIVE).update(
        marked=F("marked") + 1,
        parts=F("parts").bitor(int(parts)),
        lane=Case(When(Q(due_since__isnull=False, lane__lt=int(lane)), then=F("lane")), default=Value(int(lane))),
        not_before=Case(When(waits, then=F("not_before")), default=soon),
        waiting_for=Case(When(waits, then=F("waiting_for")), default=Value("")),
        due_since=Coalesce(F("due_since"), Value(now)),
        door=door[:80],
    )


# ------------------------------------------------------------------ claiming
def workable(now: datetime) -> QuerySet[SyncedIssue]:
    """Due pairs that nothing holds: no pause, no block, no wait, no lease."""
    return (
        SyncedIssue.objects.filter(marked__gt=F("worked"), not_before__lte=now, state=SyncedIssue.State.ACTIVE)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .filter(connection__state=Connection.State.ACTIVE)
        .exclude(end__instance__status__in=(Instance.Status.PAUSED,))
        .filter(Q(end__instance__blocked_until__isnull=True) | Q(end__instance__blocked_until__lt=now))
    )


def claim(worker: str, full_instances: Iterable[int] = ()) -> Claim | None:
    """Take one due pair: live before poll before bulk, oldest first; None when there is nothing. `full_instances` have as
    many runs under way here as they may."""
    now = timezone.now()
    found = workable(now).exclude(end__instance_id__in=list(full_instances)).order_by("lane", "due_since")
    rows = list(found.values_list(*TAKEN)[:CANDIDATES])
    if not rows or not database.features.has_select_for_update_skip_locked:
        return next((taken for row in rows if (taken := _take(worker, now, *row))), None)
    with transaction.atomic():
        free = SyncedIssue.objects.select_for_update(skip_locked=True).filter(pk__in=[row[0] for row in rows])
        unlocked = set(free.values_list("pk", flat=True))
        return next((taken for row in rows if row[0] in unlocked and (taken := _take(worker, now, *row))), None)


def _take(
    worker: str,
    now: datetime,
    pk: int,
    fence: int,
    marked: int,
    parts: int,
    lane: int,
    door: str,
    attempts: int,
    lease: datetime | None,
) -> Claim | None:
    """Compare-and-swap on the fence. An earlier run that never ended took its `parts` along: read everything then."""
    crashed = attempts > 0 or lease is not None
    won = SyncedIssue.objects.filter(pk=pk, fence=fence).update(
        fence=fence + 1,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        lease_by=worker,
        attempts=F("attempts") + 1,
        parts=0,
        door="",
    )
    if not won:
        return None
    return Claim(pk, fence + 1, marked, Parts.ALL if crashed else Parts(parts), lane, door, crashed)


def release(claim: Claim, **ending: Any) -> None:
    """The run went through: what was marked meanwhile stays due. `ending`: more columns."""
    SyncedIssue.objects.filter(pk=claim.pair_id, fence=claim.fence).update(
        worked=claim.marked,
        due_since=Case(When(marked=claim.marked, then=Value(None)), default=Value(timezone.now())),
        lease_until=None,
        lease_by="",
        attempts=0,
        tries=0,
        waiting_for="",
        last_synced_at=timezone.now(),
        **ending,
    )


def put_back(claim: Claim, *, until: datetime, why: str, **ending: Any) -> None:
    """The run did not go through: the pair stays due, not before `until`, with the parts it was to read."""
    SyncedIssue.objects.filter(pk=claim.pair_id, fence=claim.fence).update(
        lease_until=None,
        lease_by="",
        attempts=0,
        parts=F("parts").bitor(int(claim.parts)),
        door=Case(When(door="", then=Value(claim.door)), default=F("door")),
        not_before=until,
        waiting_for=why[:200],
        **ending,
    )


def give_up(claim: Claim, **ending: Any) -> None:
    """The run cannot go through until a person does something: no longer due, its parts kept for the retry."""
    SyncedIssue.objects.filter(pk=claim.pair_id, fence=claim.fence).update(
        worked=claim.marked,
        due_since=Case(When(marked=claim.marked, then=Value(None)), default=F("due_since")),
        lease_until=None,
        lease_by="",
        attempts=0,
        parts=F("parts").bitor(int(claim.parts)),
        waiting_for="",
        **ending,
    )


# ------------------------------------------------------------------ workers
def worker_name() -> str:
    """host:pid:start of this process: tells whether a lease belongs to the living."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return "0"


def lives(worker: str) -> bool:
    """False only when `worker` was a process of this machine that is gone."""
    try:
        host, pid, start = worker.rsplit(":", 2)
        number = int(pid)
    except ValueError:
        return True
    if host != socket.gethostname():
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(number) == start


def free_leases_of_the_dead() -> int:
    """A killed worker's pairs need not wait for their leases to run out: the call it may have left under way is covered
    by the quiet period of its intent."""
    held = (
        SyncedIssue.objects.filter(lease_until__isnull=False).exclude(lease_by="").values_list("lease_by", flat=True).distinct()
    )
    dead = [worker for worker in held if not lives(worker)]
    if not dead:
        return 0
    return SyncedIssue.objects.filter(lease_by__in=dead, lease_until__gt=timezone.now()).update(lease_until=timezone.now())


def beat(worker: str, busy: int, done: int) -> None:
    Heartbeat.objects.update_or_create(worker=worker, defaults={"beat_at": timezone.now(), "busy": busy, "done": done})
    Heartbeat.objects.filter(beat_at__lt=timezone.now() - timedelta(hours=1)).delete()


# ------------------------------------------------------------------ django-q2
def wake() -> None:
    """Queue a pump unless one is waiting already."""
    if OrmQ.objects.count() < 2:
        async_task(PUMP)


def ensure_schedule() -> None:
    """The sweep each minute, and a first pump: called when the workers start."""
    Schedule.objects.update_or_create(
        name="sweep", defaults={"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    )
    OrmQ.objects.all().delete()  # what a killed cluster left: pumps only, and they hold no work
    free_leases_of_the_dead()
    for _ in range(settings.Q_CLUSTER["workers"]):
        async_task(PUMP)
