"""The worker: drains due pairs and due polls in threads for a while, then asks to be woken again. What a failed run means
for its pair is decided here, by what the error says of itself (retry, scope, after)."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from exalate.errors import BadCredentials, ExalateError, RateLimited
from exalate.secrets import redact
from syncjobs import faults, flow, history, queue
from syncjobs.intake import poll
from syncjobs.job import Claim, Job, LostFence, open_job
from syncjobs.models import Intent, SyncedIssue
from syncjobs.recover import InDoubt
from trackers.models import Instance

log = logging.getLogger(__name__)
IDLE = 0.05  # s between looks when nothing is due
BEAT = 5.0  # s between heartbeats
FIRST_RETRY, LAST_RETRY = 2.0, 600.0  # s
POISON = 3  # runs begun and never ended


def pump(seconds: float | None = None) -> int:
    """Work for `seconds`, then queue the next pump; how many runs were made."""
    budget = settings.PUMP_SECONDS if seconds is None else seconds
    worker = queue.worker_name()
    queue.free_leases_of_the_dead()
    drain = _Drain(worker, time.monotonic() + budget)
    try:
        return drain.run()
    finally:
        if seconds is None:
            queue.wake()


def sweep() -> None:
    """Each minute: what a lost wake-up left, and housekeeping."""
    queue.free_leases_of_the_dead()
    queue.wake()
    history.forget_old()


class _Drain:
    """One pump: threads that each claim and work, and one that beats and polls."""

    def __init__(self, worker: str, until: float) -> None:
        self.worker, self.until = worker, until
        self.running: Counter[int] = Counter()  # instance id -> runs under way here
        self.lock = threading.Lock()
        self.more = threading.Event()  # somebody found work: there may be more
        self.done = 0

    def run(self) -> int:
        threads = settings.WORKER_THREADS
        with ThreadPoolExecutor(max_workers=threads + 1, thread_name_prefix="pump") as pool:
            waiting = [pool.submit(self._work_until_late, first=number == 0) for number in range(threads)]
            waiting.append(pool.submit(self._beat_until_late))
            for one in waiting:
                one.result()
        return self.done

    def _late(self) -> bool:
        return time.monotonic() >= self.until

    def _work_until_late(self, first: bool) -> None:
        """One thread looks often; the others only look while there is more to do than it can take."""
        try:
            while not self._late():
                close_old_connections()
                if self._one():
                    continue
                self.more.clear()
                if first:
                    time.sleep(IDLE)
                else:
                    self.more.wait(IDLE * 20)
        finally:
            connection.close()

    def _one(self) -> bool:
        with self.lock:
            full = [pk for pk, runs in self.running.items() if runs >= settings.INSTANCE_CONCURRENCY]
        claim = queue.claim(self.worker, full)
        if claim is None:
            return False
        self.more.set()
        run_one(claim, self._enter, self._leave)
        with self.lock:
            self.done += 1
        return True

    def _enter(self, instance_id: int) -> None:
        with self.lock:
            self.running[instance_id] += 1

    def _leave(self, instance_id: int) -> None:
        with self.lock:
            self.running[instance_id] -= 1

    def _beat_until_late(self) -> None:
        next_beat = 0.0
        try:
            while not self._late():
                close_old_connections()
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + BEAT
                    queue.beat(self.worker, sum(self.running.values()), self.done)
                if not poll.one():
                    time.sleep(0.5)
        finally:
            connection.close()


# ------------------------------------------------------------------ one run
def run_one(claim: Claim, enter: object = None, leave: object = None) -> None:
    """Work one claimed pair and release it, whatever happens. Never raises for what a pair does."""
    job: Job | None = None
    try:
        if claim.crashed and _is_poison(claim):
            return
        job = open_job(claim)
        if callable(enter):
            enter(job.instance.pk)
        try:
            flow.work(job)
        finally:
            if callable(leave):
                leave(job.instance.pk)
        queue.release(claim, **job.ending)
    except LostFence:
        return
    except InDoubt as doubt:
        why = "confirming a write that was not answered"
        queue.put_back(claim, until=doubt.until, why=why, in_doubt=True)
    except ExalateError as error:
        _failed(claim, job, error)
    except Exception as error:  # the edge: one pair's surprise must not stop the others
        log.exception("run of pair %s failed", claim.pair_id)
        _failed(claim, job, _Unexpected(f"Something unexpected happened: {type(error).__name__}: {redact(str(error))[:300]}"))


class _Unexpected(ExalateError):
    retry = True
    fix = "It is tried again by itself; if it stays, look at the worker's log and report it."


def _failed(claim: Claim, job: Job | None, error: ExalateError) -> None:
    pair = job.pair if job else SyncedIssue.objects.select_related("end__instance", "connection").get(pk=claim.pair_id)
    if job:
        job.notes.clear()
    tries = pair.tries + 1
    if not isinstance(error, RateLimited):
        faults.raise_row(pair, error)
    if tries == 1 or not error.retry:
        history.record(pair, "error", error.message, remedy=error.fix, kind=type(error).__name__)
    in_doubt = Intent.objects.filter(pair=pair).exists()
    if error.scope == "instance":
        _block(pair.end.instance, error, tries)
    if error.retry or error.scope == "instance":
        until = timezone.now() + timedelta(seconds=_back_off(error, tries))
        queue.put_back(
            claim, until=until, why=error.message, tries=tries, in_doubt=in_doubt, has_error=not isinstance(error, RateLimited)
        )
    else:
        queue.give_up(claim, tries=tries, in_doubt=in_doubt, has_error=True)


def _back_off(error: ExalateError, tries: int) -> float:
    """What the tracker asked for; otherwise doubling with full jitter."""
    if error.after:
        return float(error.after)
    longest = min(LAST_RETRY, FIRST_RETRY * 2 ** min(tries, 12))
    return random.uniform(FIRST_RETRY / 2, longest)


def _block(instance: Instance, error: ExalateError, tries: int) -> None:
    """All pairs of an instance wait when it asked us to, or when it will refuse everybody."""
    until: datetime | None = None
    if isinstance(error, RateLimited) and error.after:
        until = timezone.now() + timedelta(seconds=error.after)
    elif isinstance(error, BadCredentials):
        until = timezone.now() + timedelta(seconds=300)
    elif tries > 3:
        until = timezone.now() + timedelta(seconds=30)
    values: dict[str, object] = {"blocked_until": until} if until else {}
    if not isinstance(error, RateLimited) and instance.status != Instance.Status.PAUSED:
        values |= {"status": Instance.Status.ERROR, "status_note": redact(error.message)[:500], "status_since": timezone.now()}
    if values:
        Instance.objects.filter(pk=instance.pk).update(**values)


def _is_poison(claim: Claim) -> bool:
    """A pair whose runs keep killing the worker is set aside without being run again."""
    pair = SyncedIssue.objects.select_related("end__instance", "connection").filter(pk=claim.pair_id, fence=claim.fence).first()
    if pair is None or pair.attempts <= POISON:
        return False
    error = ExalateError(
        f"Work on {pair.local_key or 'this issue'} ended the worker {POISON} times; it is set aside so that others go on."
    )
    faults.raise_row(pair, error)
    history.record(pair, "error", error.message, remedy=error.fix)
    queue.give_up(claim, has_error=True, in_doubt=True)
    return True
