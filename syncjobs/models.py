"""The tables of doing the work. The engine's own state of a pair (registers, last values, twins) is one JSON document
beside the row that says whether work is due, so that marking a pair never rewrites it: half the statements and a third
of the bytes of a row per register, measured against DESIGN section 9. Verbs: syncjobs/actions.py."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from connections.models import SIDES, Connection, ConnectionEnd
from trackers.models import Instance


class SyncedIssue(models.Model):
    """An issue under sync: our half of a pair, at one end of a connection. Both halves of a local connection's pair are
    rows here; `origin` is the half where the sync was started and the one that lists show."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        GONE = "gone", "Gone"  # the issue was deleted or is out of sight
        CLOSED = "closed", "Closed"  # unexalated

    class Lane(models.IntegerChoices):
        LIVE = 0, "Live"
        POLL = 1, "Poll"
        BULK = 2, "Bulk"
        AUDIT = 3, "Audit"

    uid = models.CharField(max_length=40)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="issues")
    end = models.ForeignKey(ConnectionEnd, on_delete=models.PROTECT, related_name="issues")
    side = models.CharField(max_length=1, choices=SIDES)
    origin = models.BooleanField(default=False)
    local_id = models.CharField(max_length=200, null=True, blank=True)  # the tracker's immutable id; null until created
    local_key = models.CharField(max_length=255, blank=True, default="")
    local_url = models.CharField(max_length=500, blank=True, default="")
    remote_key = models.CharField(max_length=255, blank=True, default="")
    remote_url = models.CharField(max_length=500, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    # due work: `marked` counts marks, `worked` is the count that the last finished run started from
    marked = models.PositiveBigIntegerField(default=0)
    worked = models.PositiveBigIntegerField(default=0)
    parts = models.PositiveSmallIntegerField(default=0)  # trackers.issue.Parts that a run must read
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.LIVE)
    due_since = models.DateTimeField(null=True, blank=True)  # of the oldest mark not yet worked
    not_before = models.DateTimeField(default=timezone.now)  # debounce, retry, in doubt until
    waiting_for = models.CharField(max_length=200, blank=True, default="")  # why not_before lies ahead, for people
    attempts = models.PositiveSmallIntegerField(default=0)  # runs begun and not ended: what crashes leave behind
    tries = models.PositiveSmallIntegerField(default=0)  # runs that failed in a row: the back-off
    door = models.CharField(max_length=80, blank=True, default="")  # by which door the last mark came, for people
    # lease and fence
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_by = models.CharField(max_length=120, blank=True, default="")
    # deliveries
    out_seq = models.PositiveBigIntegerField(default=0)
    acked = models.PositiveBigIntegerField(default=0)
    in_seq = models.PositiveBigIntegerField(default=0)
    # for people
    stamp = models.CharField(max_length=64, blank=True, default="")  # Issue.stamp of our last read or write
    partly = models.BooleanField(default=False)  # some field or comment cannot be written
    in_doubt = models.BooleanField(default=False)  # a write is not confirmed yet
    has_error = models.BooleanField(default=False)  # an open error of this issue stops it
    last_synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["connection", "uid", "side"], name="one_half_per_side"),
            models.UniqueConstraint(
                fields=["end", "local_id"], condition=~Q(state="closed"), name="one_open_pair_per_local_issue"
            ),
        ]
        indexes = [
            models.Index(fields=["lane", "not_before"], condition=Q(marked__gt=F("worked")), name="due_pairs"),
            models.Index(fields=["end", "local_key"], name="by_local_key"),
            models.Index(fields=["connection", "remote_key"], name="by_remote_key"),
        ]

    def __str__(self) -> str:
        return f"{self.local_key or '(being created)'} {self.title}".strip()

    def twin(self) -> SyncedIssue | None:
        """The other half, where it lives on this node too."""
        return SyncedIssue.objects.filter(connection_id=self.connection_id, uid=self.uid).exclude(side=self.side).first()


class PairState(models.Model):
    """Registers, last values and twins of one half of a pair: syncjobs/engine/state.py says the shape of `doc`."""

    pair = models.OneToOneField(SyncedIssue, on_delete=models.CASCADE, primary_key=True, related_name="kept")
    doc = models.JSONField(default=dict)


class Intent(models.Model):
    """A journaled write that is about to happen or in doubt."""

    pair = models.ForeignKey(SyncedIssue, on_delete=models.CASCADE, related_name="intents")
    op = models.CharField(max_length=40, unique=True)  # our id of the operation; part of the mark
    doc = models.JSONField()  # syncjobs/engine/plan.py Step, as JSON
    started_at = models.DateTimeField(default=timezone.now)
    quiet_until = models.DateTimeField()

    class Meta:
        ordering = ("id",)


class Conflict(models.Model):
    """Two people changed one field at once; `winner` stands, `loser` is kept here. One row for both halves of a pair."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SEEN = "seen", "Seen"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="conflicts")
    uid = models.CharField(max_length=40)  # of the pair
    key = models.CharField(max_length=200)  # the register
    signature = models.CharField(max_length=64)
    winner = models.JSONField(null=True)
    loser = models.JSONField(null=True)
    winner_side = models.CharField(max_length=1, blank=True, default="")
    loser_side = models.CharField(max_length=1, blank=True, default="")
    policy = models.CharField(max_length=10, blank=True, default="")
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["connection", "uid", "signature"], name="one_row_per_conflict")]


class SyncError(models.Model):
    """One row per cause (level, object, signature) with a count; never a growing list."""

    class Level(models.TextChoices):
        ISSUE = "issue", "Issue"
        CONNECTION = "connection", "Connection"
        INSTANCE = "instance", "Instance"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        RESOLVED = "resolved", "Resolved"

    level = models.CharField(max_length=10, choices=Level)
    pair = models.ForeignKey(SyncedIssue, null=True, blank=True, on_delete=models.CASCADE, related_name="errors")
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="errors")
    instance = models.ForeignKey(Instance, null=True, blank=True, on_delete=models.CASCADE, related_name="errors")
    signature = models.CharField(max_length=64)
    kind = models.CharField(max_length=40)  # the class of exalate/errors.py
    message = models.TextField()
    remedy = models.CharField(max_length=300)
    field = models.CharField(max_length=120, blank=True, default="")
    count = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-last_at",)
        indexes = [models.Index(fields=["state", "-last_at"], name="open_errors")]
        constraints = [models.UniqueConstraint(fields=["signature"], condition=Q(state="open"), name="one_open_row_per_cause")]


class HistoryEntry(models.Model):
    """What happened, for people; the engine never reads it. `verb`: exalated, marked, observed, sent, received, wrote,
    skipped, conflict, error, unexalated, retried. `detail` holds fields before and after, operations with calls and ms."""

    pair = models.ForeignKey(SyncedIssue, null=True, blank=True, on_delete=models.CASCADE, related_name="history")
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="history")
    uid = models.CharField(max_length=40, blank=True, default="")  # of the pair: both halves tell one story
    side = models.CharField(max_length=1, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=20)
    text = models.CharField(max_length=500)  # one sentence
    detail = models.JSONField(default=dict, blank=True)
    by = models.CharField(max_length=120, blank=True, default="")  # a console user, or a tracker user's name

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "history"
        indexes = [
            models.Index(fields=["connection", "uid", "-id"], name="history_of_pair"),
            models.Index(fields=["-at"], name="history_by_time"),
        ]


class Watermark(models.Model):
    """How far polling of one project has come."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="watermarks")
    project = models.CharField(max_length=200)
    cursor = models.TextField(blank=True, default="")
    next_poll = models.DateTimeField(default=timezone.now)
    polled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "project"], name="one_watermark")]


class Heartbeat(models.Model):
    """That a worker lives; the supervisor and /health/ready read it."""

    worker = models.CharField(max_length=120, unique=True)  # host:pid:start
    beat_at = models.DateTimeField(default=timezone.now)
    busy = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
