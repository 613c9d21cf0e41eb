"""Errors and conflicts as rows that people act on: one row per cause with a count, never a growing list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from exalate.errors import ExalateError
from exalate.secrets import redact
from syncjobs.engine.registers import Clash
from syncjobs.engine.state import register_to_json
from syncjobs.models import Conflict, SyncedIssue, SyncError


def signature(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def raise_row(pair: SyncedIssue, error: ExalateError) -> SyncError:
    """Open, or count up, the row of this cause: at the pair, or at its instance or connection when those are at fault."""
    level = {"instance": SyncError.Level.INSTANCE, "connection": SyncError.Level.CONNECTION}.get(
        error.scope, SyncError.Level.ISSUE
    )
    return open_row(
        level,
        pair,
        kind=type(error).__name__,
        message=error.message,
        remedy=error.fix,
        field=error.field,
    )


def open_row(level: str, pair: SyncedIssue, *, kind: str, message: str, remedy: str, field: str = "") -> SyncError:
    target = {SyncError.Level.INSTANCE: pair.end.instance_id, SyncError.Level.CONNECTION: pair.connection_id}.get(level, pair.pk)  # type: ignore[call-overload]
    text = redact(message)[:2000]
    sign = signature(level, target, kind, field, text if level == SyncError.Level.ISSUE else "")
    now = timezone.now()
    if SyncError.objects.filter(signature=sign, state="open").update(count=F("count") + 1, last_at=now, message=text):
        return SyncError.objects.get(signature=sign, state="open")
    row = SyncError(
        level=level, signature=sign, kind=kind, message=text, remedy=remedy[:300], field=field[:120], first_at=now, last_at=now
    )
    row.instance_id = pair.end.instance_id
    row.connection_id = pair.connection_id if level != SyncError.Level.INSTANCE else None
    row.pair = pair if level == SyncError.Level.ISSUE else None
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another worker opened the same row a moment ago
        SyncError.objects.filter(signature=sign, state="open").update(count=F("count") + 1, last_at=now)
        return SyncError.objects.get(signature=sign, state="open")
    return row


def resolve_rows(pair: SyncedIssue, keep: Iterable[str] = ()) -> int:
    """A run went through: the pair's errors are over, those with a signature in `keep` excepted."""
    return (
        SyncError.objects.filter(pair=pair, state=SyncError.State.OPEN)
        .exclude(signature__in=list(keep))
        .update(state=SyncError.State.RESOLVED, last_at=timezone.now())
    )


def resolve_instance(instance_id: int) -> int:
    return SyncError.objects.filter(instance_id=instance_id, level=SyncError.Level.INSTANCE, state="open").update(
        state=SyncError.State.RESOLVED, last_at=timezone.now()
    )


def keep_conflicts(pair: SyncedIssue, clashes: Iterable[Clash]) -> int:
    """Both halves of a pair see the same conflict: one row, told apart by the two dots."""
    rows = [
        Conflict(
            connection_id=pair.connection_id,
            uid=pair.uid,
            key=clash.key[:200],
            signature=signature(clash.key, *sorted([str(clash.winner.dot), str(clash.loser.dot)]), *_covered(clash)),
            winner=register_to_json(clash.winner),
            loser=register_to_json(clash.loser),
            winner_side=clash.winner.side,
            loser_side=clash.loser.side,
            policy=clash.policy,
        )
        for clash in clashes
    ]
    if rows:
        Conflict.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _covered(clash: Clash) -> tuple[str, ...]:
    return (str(clash.loser.ts), str(clash.loser.val)[:500]) if clash.policy == "covered" else ()
