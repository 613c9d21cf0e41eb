"""The verbs of syncing: console buttons, REST views and commands all call these. Each is one transaction, a line of
history, then a mark; a verb on one half of a local pair acts on both."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from connections.models import Connection, ConnectionEnd, new_uid
from exalate.errors import BadInput, NotFound, NotUnderSync
from syncjobs import faults, history, queue
from syncjobs.engine import registers as r
from syncjobs.job import connector_of, load
from syncjobs.models import Conflict, PairState, SyncedIssue, SyncError
from trackers.issue import Issue, Parts
from trackers.models import Instance


# ------------------------------------------------------------------ put under sync
def exalate(connection: Connection, text: str, *, end: ConnectionEnd | None = None, by: str = "") -> tuple[SyncedIssue, bool]:
    """Put the issue that `text` means (a key, or the address of its page, at either end) under sync: (the half shown in
    lists, whether it is new). Raises BadInput, NotFound, and the tracker's errors; the same issue again is the same pair."""
    if connection.state != Connection.State.ACTIVE:
        raise BadInput(
            f"The connection {connection.name} is {connection.get_state_display().lower()}; activate it first.",
            field="connection",
        )
    found, key = _place(connection, text.strip(), end)
    known = SyncedIssue.objects.filter(end=found, local_key=key).exclude(state=SyncedIssue.State.CLOSED).first()
    if known is not None:
        return half_shown(known), False
    issue = _read(found, key)
    return _start(found, issue, by)


def _place(connection: Connection, text: str, end: ConnectionEnd | None) -> tuple[ConnectionEnd, str]:
    ends = [end] if end else list(connection.ends.select_related("instance__proxy"))
    for candidate in ends:
        key = connector_of(candidate.instance).parse_key(text, candidate.project)
        if key:
            return candidate, key
    places = " or ".join(f"{one.project} of {one.instance.name}" for one in ends)
    raise BadInput(f"“{text[:80]}” is not an issue of {places}. Give its key, or the address of its page.", field="issue")


def _read(end: ConnectionEnd, key: str) -> Issue:
    try:
        return connector_of(end.instance).read(key, Parts.FIELDS)
    except NotFound as error:
        raise NotFound(f"There is no issue {key} in {end.instance.name} that the proxy user can see.", field="issue") from error


def _start(end: ConnectionEnd, issue: Issue, by: str) -> tuple[SyncedIssue, bool]:
    proxy = getattr(end.instance, "proxy", None)
    if proxy and proxy.user_id and issue.author and issue.author.id == proxy.user_id:
        who = proxy.login or proxy.name
        raise BadInput(
            f"{issue.key} was created by the proxy user {who}; what it creates is not synced. Exalate the original, "
            "or have a person create the issue.",
            field="issue",
        )
    try:
        with transaction.atomic():
            pair = SyncedIssue.objects.create(
                uid=new_uid(),
                connection=end.connection,
                end=end,
                side=end.side,
                origin=True,
                local_id=issue.id,
                local_key=issue.key,
                local_url=issue.url,
                title=issue.summary[:300],
            )
            PairState.objects.create(pair=pair)
            history.record(pair, "exalated", f"{issue.key} was put under sync", by=by)
            queue.mark([pair.pk], door=f"button {by}".strip(), parts=Parts.ALL, debounce=False)
    except IntegrityError:  # the same issue was put under sync a moment ago
        known = SyncedIssue.objects.filter(end=end, local_id=issue.id).exclude(state=SyncedIssue.State.CLOSED).get()
        return half_shown(known), False
    return pair, True


# ------------------------------------------------------------------ verbs on a pair
def halves(pair: SyncedIssue) -> list[SyncedIssue]:
    """Every half of the pair that lives on this node, this one first."""
    twin = pair.twin()
    return [pair, twin] if twin else [pair]


def half_shown(pair: SyncedIssue) -> SyncedIssue:
    twin = None if pair.origin else pair.twin()
    return twin if twin and twin.origin else pair


def _require_open(pair: SyncedIssue) -> None:
    if pair.state == SyncedIssue.State.CLOSED:
        raise NotUnderSync(f"{pair.local_key or 'The issue'} is not under sync any more.", field="issue")


def sync_now(pair: SyncedIssue, *, by: str = "") -> None:
    """Look at both sides now, whatever they wait for (a write in doubt excepted)."""
    _require_open(pair)
    for half in halves(pair):
        queue.mark([half.pk], door=f"sync now {by}".strip(), parts=Parts.ALL, debounce=False, now_please=True)
    history.record(pair, "marked", "Sync now was pressed", by=by)


def retry(pair: SyncedIssue, *, by: str = "") -> None:
    """Try again everything that was refused or failed."""
    _require_open(pair)
    for half in halves(pair):
        with transaction.atomic():
            row = PairState.objects.select_for_update().get(pk=half.pk)
            if row.doc.get("refused"):
                row.doc["refused"] = {}
                row.save(update_fields=["doc"])
            SyncedIssue.objects.filter(pk=half.pk).update(tries=0, attempts=0, state=_reopened(half))
            queue.mark([half.pk], door=f"retry {by}".strip(), parts=Parts.ALL, debounce=False, now_please=True)
        Instance.objects.filter(pk=half.end.instance_id).update(blocked_until=None)
    history.record(pair, "retried", "Retry was pressed", by=by)


def _reopened(pair: SyncedIssue) -> str:
    return SyncedIssue.State.ACTIVE if pair.state == SyncedIssue.State.GONE else pair.state


def unexalate(pair: SyncedIssue, *, by: str = "") -> None:
    """End the sync of both halves; both issues and what was copied stay as they are."""
    _require_open(pair)
    with transaction.atomic():
        for half in halves(pair):
            SyncedIssue.objects.filter(pk=half.pk).update(
                state=SyncedIssue.State.CLOSED,
                worked=F("marked"),
                due_since=None,
                fence=F("fence") + 1,
                lease_until=None,
                lease_by="",
            )
            half.intents.all().delete()
            faults.resolve_rows(half)
        history.record(pair, "unexalated", "Sync was ended; both issues stay as they are", by=by)


# ------------------------------------------------------------------ errors
def retry_error(error: SyncError, *, by: str = "") -> int:
    """Retry what this error stopped; how many pairs were marked."""
    if error.pair is not None:
        retry(error.pair, by=by)
        return 1
    pairs = SyncedIssue.objects.filter(state=SyncedIssue.State.ACTIVE, has_error=True)
    if error.instance_id and error.level == SyncError.Level.INSTANCE:
        pairs = pairs.filter(end__instance_id=error.instance_id)
        Instance.objects.filter(pk=error.instance_id).update(blocked_until=None)
    else:
        pairs = pairs.filter(connection_id=error.connection_id)
    ids = list(pairs.values_list("pk", flat=True))
    SyncedIssue.objects.filter(pk__in=ids).update(tries=0)
    resolve_error(error, by=by)
    return queue.mark(ids, door=f"retry {by}".strip(), parts=Parts.ALL, debounce=False, now_please=True) if ids else 0


def resolve_error(error: SyncError, *, by: str = "") -> None:
    """Close the row; it opens again if the cause is still there at the next run."""
    SyncError.objects.filter(pk=error.pk).update(state=SyncError.State.RESOLVED, last_at=timezone.now())
    if error.pair is not None:
        history.record(error.pair, "resolved", f"The error was resolved by hand: {error.message}", by=by)
        if not SyncError.objects.filter(pair=error.pair, state=SyncError.State.OPEN).exists():
            SyncedIssue.objects.filter(pk=error.pair_id).update(has_error=False, partly=False)


def see_conflict(conflict: Conflict) -> None:
    Conflict.objects.filter(pk=conflict.pk).update(state=Conflict.State.SEEN)


# ------------------------------------------------------------------ what is shown
STATUSES = ("waiting", "synchronized", "in_doubt", "partly", "error", "paused", "gone", "closed")
BUSY = Q(marked__gt=F("worked")) | Q(out_seq__gt=F("acked")) | Q(local_id__isnull=True)


def status_of(pair: SyncedIssue) -> str:
    """One word for the whole pair: the worst of its halves."""
    return _status(halves(pair))


def _status(both: list[SyncedIssue]) -> str:
    pair = both[0]
    if pair.state != SyncedIssue.State.ACTIVE:
        return str(pair.state)
    if pair.connection.state != Connection.State.ACTIVE or any(
        half.end.instance.status == Instance.Status.PAUSED for half in both
    ):
        return "paused"
    for word, flag in (("error", "has_error"), ("in_doubt", "in_doubt"), ("partly", "partly")):
        if any(getattr(half, flag) for half in both):
            return word
    waiting = len(both) < len(pair.connection.ends.all()) or any(
        half.marked > half.worked or half.out_seq > half.acked or not half.local_id for half in both
    )
    return "waiting" if waiting else "synchronized"


def with_status(pairs: QuerySet[SyncedIssue], status: str) -> QuerySet[SyncedIssue]:
    """The halves in lists whose pair has `status` (a word of STATUSES), decided in the database."""
    if status in ("gone", "closed"):
        return pairs.filter(state=status)
    active = pairs.filter(state=SyncedIssue.State.ACTIVE)
    paused = (
        ~Q(connection__state=Connection.State.ACTIVE)
        | Q(end__instance__status=Instance.Status.PAUSED)
        | _twin(Q(end__instance__status=Instance.Status.PAUSED))
    )
    if status == "paused":
        return active.filter(paused)
    active = active.exclude(paused)
    for word, flag in (("error", "has_error"), ("in_doubt", "in_doubt"), ("partly", "partly")):
        here = Q(**{flag: True}) | _twin(Q(**{flag: True}))
        if status == word:
            return active.filter(here)
        active = active.exclude(here)
    waiting = BUSY | _twin(BUSY) | ~_twin(Q())
    return active.filter(waiting) if status == "waiting" else active.exclude(waiting)


def _twin(condition: Q) -> Q:
    other = SyncedIssue.objects.filter(condition, connection_id=OuterRef("connection_id"), uid=OuterRef("uid")).exclude(
        pk=OuterRef("pk")
    )
    return Q(Exists(other))


def shown_pairs() -> QuerySet[SyncedIssue]:
    """One row a pair, with what lists need of the neighbours."""
    return (
        SyncedIssue.objects.filter(origin=True).select_related("connection", "end__instance").prefetch_related("connection__ends")
    )


def view_of(pair: SyncedIssue) -> dict[str, Any]:
    """The pair as the API and the panel show it."""
    shown = half_shown(pair)
    both = halves(shown)
    errors = SyncError.objects.filter(pair__in=both, state=SyncError.State.OPEN)
    level = SyncError.objects.filter(
        instance__in=[half.end.instance_id for half in both], level=SyncError.Level.INSTANCE, state="open"
    )
    conflicts = Conflict.objects.filter(connection_id=shown.connection_id, uid=shown.uid)[:50]
    synced = [half.last_synced_at for half in both if half.last_synced_at]
    return {
        "id": shown.pk,
        "uid": shown.uid,
        "connection": shown.connection.name,
        "status": _status(both),
        "local": {"key": shown.local_key, "url": shown.local_url},
        "remote": {"key": shown.remote_key, "url": shown.remote_url},
        "title": shown.title,
        "last_synced_at": max(synced) if synced else None,
        "waiting_for": next((half.waiting_for for half in both if half.waiting_for), ""),
        "errors": [error_view(error) for error in [*errors, *level]],
        "conflicts": [conflict_view(conflict) for conflict in conflicts],
    }


def error_view(error: SyncError) -> dict[str, Any]:
    return {
        "id": error.pk,
        "level": error.level,
        "kind": error.kind,
        "message": error.message,
        "remedy": error.remedy,
        "field": error.field,
        "count": error.count,
        "last_at": error.last_at,
    }


def conflict_view(conflict: Conflict) -> dict[str, Any]:
    """Both values as people read them."""
    return {
        "id": conflict.pk,
        "field": history.name(conflict.key),
        "winner": history.shown((conflict.winner or [None])[0]),
        "loser": history.shown((conflict.loser or [None])[0]),
        "winner_side": conflict.winner_side,
        "loser_side": conflict.loser_side,
        "policy": conflict.policy,
        "state": conflict.state,
        "at": conflict.at,
    }


def fields_of(pair: SyncedIssue) -> list[dict[str, Any]]:
    """Field by field what we believe stands on each side: {field, ours, theirs, equal}. Sets are one line; comments are
    pairs of texts."""
    shown = half_shown(pair)
    twin = shown.twin()
    ours, theirs = load(_kept(shown)), load(_kept(twin)) if twin else None
    lines: dict[str, dict[str, Any]] = {}
    for key in [*ours.regs, *(theirs.regs if theirs else ())]:
        if r.is_alive(key):
            continue
        label = r.hub_of(key) if not key.startswith("e/") else f"comment {r.uid_of(key)}"
        line = lines.setdefault(label, {"field": label, "ours": None, "theirs": None})
        for name, state in (("ours", ours), ("theirs", theirs)):
            if state is not None and key in state.last:
                line[name] = _joined(line[name], key, state.last[key].val)
    for line in lines.values():
        line["equal"] = line["ours"] == line["theirs"]
    return list(lines.values())


def _joined(so_far: Any, key: str, val: Any) -> Any:
    if not r.is_element(key):
        return history.shown(val)
    elements = {part for part in (so_far or "").split(", ") if part}
    elements = elements | {r.element_of(key)} if val else elements
    return ", ".join(sorted(elements))


def _kept(pair: SyncedIssue) -> SyncedIssue:
    return SyncedIssue.objects.select_related("kept", "connection").get(pk=pair.pk)
