"""Sending what the partner lacks. A local connection's partner is the other row of the same pair: the same messages and
functions, without HTTP, and both counters move in one transaction."""

from __future__ import annotations

from django.db import transaction

from syncjobs import faults, history, queue
from syncjobs.engine import delivery
from syncjobs.job import Job, load, save
from syncjobs.models import PairState, SyncedIssue


def send_what_the_peer_lacks(job: Job) -> None:
    if delivery.has_news(job.state()):
        _send_locally(job)


def _send_locally(job: Job) -> None:
    with transaction.atomic():
        mine, theirs = _halves(job.pair)
        state, peer = load(mine), load(theirs)
        if not delivery.has_news(state):
            return
        got = delivery.receive(peer, delivery.message(state))
        delivery.acknowledge(state, got.ack)
        about = {"remote_key": mine.local_key, "remote_url": mine.local_url, "title": theirs.title or mine.title}
        save(theirs, peer, **about)
        save(mine, state)
        if got.changed or got.clashes:
            queue.mark([theirs.pk], door="partner", debounce=False)
        faults.keep_conflicts(theirs, got.clashes)
        if got.changed:
            job.note("sent", f"{history.names(got.changed)} sent to {theirs.end.instance.name}", seq=state.out_seq)
        job.flush()


def _halves(pair: SyncedIssue) -> tuple[SyncedIssue, SyncedIssue]:
    """Both rows, locked in the order of their ids; the other one is made when this is the pair's first message."""
    rows = SyncedIssue.objects.select_for_update(of=("self",)).select_related("kept", "connection", "end__instance")
    found = {row.side: row for row in rows.filter(connection_id=pair.connection_id, uid=pair.uid).order_by("pk")}
    other = "B" if pair.side == "A" else "A"
    if other not in found:
        end = pair.connection.ends.select_related("instance").get(side=other)
        row = SyncedIssue.objects.create(uid=pair.uid, connection=pair.connection, end=end, side=other)
        row.kept = PairState.objects.create(pair=row)
        found[other] = row
    return found[pair.side], found[other]
