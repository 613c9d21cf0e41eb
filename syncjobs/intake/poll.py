"""The polling door: one search per project and interval, whatever the number of pairs. The watermark moves only after
every result of a page is marked, so that a crash repeats and never skips."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from connections.models import Connection, ConnectionEnd
from exalate.errors import ExalateError, RateLimited
from syncjobs import queue
from syncjobs.job import connector_of, now_ms
from syncjobs.models import SyncedIssue, Watermark
from trackers.connector import Connector, IssueEvent
from trackers.issue import Parts
from trackers.models import Instance

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=120)
PAGES = 20  # of one poll; the rest comes with the next


def one() -> bool:
    """Poll one project that is due; False when none is."""
    now = timezone.now()
    due = (
        Watermark.objects.filter(next_poll__lte=now)
        .exclude(instance__status=Instance.Status.PAUSED)
        .filter(Q(instance__blocked_until__isnull=True) | Q(instance__blocked_until__lt=now))
        .order_by("next_poll")
        .first()
    )
    if due is None:
        return False
    if Watermark.objects.filter(pk=due.pk, next_poll=due.next_poll).update(next_poll=now + LEASE):
        _poll(due)
    return True


def _poll(watermark: Watermark) -> None:
    instance = Instance.objects.select_related("proxy").get(pk=watermark.instance_id)
    wait = float(instance.poll_seconds)
    try:
        _pages(instance, watermark)
    except RateLimited as error:
        wait = error.after or wait
    except ExalateError as error:
        log.warning("polling %s of %s: %s", watermark.project, instance, error.message)
        wait = max(wait, 30.0)
    Watermark.objects.filter(pk=watermark.pk).update(next_poll=timezone.now() + timedelta(seconds=wait))


def _pages(instance: Instance, watermark: Watermark) -> None:
    connector = connector_of(instance)
    cursor = watermark.cursor
    for _ in range(PAGES):
        page = connector.changes(watermark.project, cursor)
        mark_changed(instance, connector, page.items)
        if page.cursor != cursor:
            Watermark.objects.filter(pk=watermark.pk).update(cursor=page.cursor, polled_at=timezone.now())
            cursor = page.cursor
        if not page.more:
            return


def mark_changed(instance: Instance, connector: Connector, events: tuple[IssueEvent, ...]) -> int:
    """Mark the pairs that changed since our own last look at them; how many. A result with the stamp of our last read or
    write is an echo, unless the stamp is so young that another edit may share it."""
    keys = [event.key for event in events if event.key]
    ids = [event.issue_id for event in events if event.issue_id]
    found = SyncedIssue.objects.filter(
        Q(local_key__in=keys) | Q(local_id__in=ids), end__instance=instance, state=SyncedIssue.State.ACTIVE
    )
    by_event = {event.issue_id or event.key: event for event in events}
    due = []
    for pk, local_id, local_key, stamp in found.values_list("pk", "local_id", "local_key", "stamp"):
        event = by_event.get(local_id or "") or by_event.get(local_key)
        old = event is not None and event.at and now_ms() - event.at > 2 * connector.features.granularity_ms
        if event is not None and not (stamp and event.stamp == stamp and old):
            due.append(pk)
    return queue.mark(due, door="poll", parts=Parts.ALL, lane=SyncedIssue.Lane.POLL) if due else 0


def watch(end: ConnectionEnd) -> None:
    """Begin to poll the project of an active connection's end."""
    Watermark.objects.get_or_create(instance=end.instance, project=end.project)


def forget_unused() -> None:
    """Stop polling projects that no active connection has."""
    used = ConnectionEnd.objects.filter(connection__state=Connection.State.ACTIVE)
    for watermark in Watermark.objects.all():
        if not used.filter(instance=watermark.instance_id, project=watermark.project).exists():
            watermark.delete()
