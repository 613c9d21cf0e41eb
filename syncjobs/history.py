"""What happened, told for people. The engine never reads it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from exalate.secrets import redact
from syncjobs.engine import registers as r
from syncjobs.models import HistoryEntry, SyncedIssue
from trackers.text.tree import plain


def entry(pair: SyncedIssue, verb: str, text: str, *, by: str = "", **detail: Any) -> HistoryEntry:
    """An unsaved entry; saved together with the change that it tells of."""
    return HistoryEntry(
        pair=pair,
        connection_id=pair.connection_id,
        uid=pair.uid,
        side=pair.side,
        at=timezone.now(),
        verb=verb,
        text=redact(text)[:500],
        by=by[:120],
        detail=detail,
    )


def record(pair: SyncedIssue, verb: str, text: str, *, by: str = "", **detail: Any) -> None:
    entry(pair, verb, text, by=by, **detail).save(force_insert=True)


def names(keys: Iterable[str]) -> str:
    """Register keys in the admin's words: "status, label red, comment"."""
    said = dict.fromkeys(name(key) for key in keys)
    return ", ".join(said) or "nothing"


def name(key: str) -> str:
    if r.is_element(key):
        return f"{r.hub_of(key).rstrip('s')} {r.element_of(key)}"
    return "comment" if key.startswith("e/") else r.hub_of(key)


def shown(value: Any, limit: int = 2000) -> Any:
    """A register's value as people read it."""
    if isinstance(value, dict):
        value = plain(value)
    if isinstance(value, str) and len(value) > limit:
        return value[:limit] + "…"
    return value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields before and after, for the detail of an entry."""
    return [{"field": name(key), "before": shown(before.get(key)), "after": shown(after.get(key))} for key in after]


def forget_old() -> int:
    """Delete what is older than HISTORY_DAYS, a thousand at a time; how many went."""
    limit = timezone.now() - timedelta(days=settings.HISTORY_DAYS)
    gone = 0
    while ids := list(HistoryEntry.objects.filter(at__lt=limit).order_by("at").values_list("pk", flat=True)[:1000]):
        gone += HistoryEntry.objects.filter(pk__in=ids).delete()[0]
    return gone
