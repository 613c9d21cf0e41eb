"""Reading the issue and folding in what people did to it. Reads no more than the run needs."""

from __future__ import annotations

from collections.abc import Iterable

from connections.rules.evaluate import Outgoing
from syncjobs import faults, history
from syncjobs.engine import registers as r
from syncjobs.engine.observe import Seen, SeenChange, SeenComment, observe
from syncjobs.engine.state import State
from syncjobs.job import Job
from trackers.issue import Comment, Issue, Parts
from trackers.session import tally


def read_and_observe(job: Job, parts: Parts | None = None) -> Issue | None:
    """The snapshot, or None when nothing had to be read. What was seen is kept before this returns."""
    state = job.state()
    wanted = needed(job, state) if parts is None else parts
    if not state.local or not wanted & Parts.ALL:
        return None
    with tally() as calls:
        issue = job.connector.read(job.pair.local_key, wanted)
    seen, outgoing = project(job, issue)
    with job.changing() as state:
        found = observe(state, seen, job.pair.uid)
        after = {key: state.last[key].val for key in found.changed}
        if found.changed:
            who = ", ".join(sorted({reg.author for key in found.changed if (reg := state.regs[key]).author}))
            job.note(
                "observed",
                f"{job.instance.name}: {history.names(found.changed)} changed",
                by=who,
                door=job.claim.door,
                changes=history.changes(found.changed, after),
                calls=[call.as_json() for call in calls],
                rules=job.rules_version,
            )
        elif job.claim.door:
            job.note(
                "skipped",
                f"{job.instance.name}: looked, nothing to sync had changed",
                door=job.claim.door,
                calls=[c.as_json() for c in calls],
            )
        if found.clashes:
            keep_conflicts(job, found.clashes)
    _remember(job, issue)
    job.read_fields = job.read_fields or bool(issue.parts & Parts.FIELDS)
    for one in outgoing.unmapped:
        job.problems[f"out/{one.hub}"] = (
            "NotMapped",
            one.hub,
            f"{one.hub.capitalize()} “{one.value}” of {job.instance.name} is not mapped: it is not sent.",
        )
    return issue


def keep_conflicts(job: Job, clashes: Iterable[r.Clash]) -> None:
    clashes = list(clashes)
    faults.keep_conflicts(job.pair, clashes)
    for clash in clashes:
        job.note(
            "conflict",
            f"{history.name(clash.key).capitalize()}: two people changed it; side {clash.winner.side or '?'} stands ({clash.policy})",
            winner=history.shown(clash.winner.val),
            loser=history.shown(clash.loser.val),
        )


def needed(job: Job, state: State) -> Parts:
    """What the marks asked for, and what must be seen before pending values are written over."""
    parts = job.claim.parts
    for key in state.pending():
        if r.is_scalar(key) or r.is_element(key):
            parts |= Parts.FIELDS
        elif r.uid_of(key) in state.twins:
            parts |= Parts.COMMENTS
    features = job.connector.features
    if state.watch and features.history and (not features.history_calls or job.claim.lane):
        parts |= Parts.FIELDS | Parts.HISTORY
    return parts if features.history else parts & ~Parts.HISTORY


def _remember(job: Job, issue: Issue) -> None:
    """Columns for people and for skipping an echo; single columns, only when they changed."""
    values: dict[str, object] = {}
    if issue.parts & Parts.FIELDS:
        values = {"stamp": issue.stamp, "title": issue.summary[:300], "local_key": issue.key, "local_url": issue.url}
    elif issue.stamp:
        values = {"stamp": issue.stamp}
    changed = {name: value for name, value in values.items() if value and getattr(job.pair, name) != value}
    if changed:
        job.set_columns(**changed)


# ------------------------------------------------------------------ Issue -> Seen
def project(job: Job, issue: Issue) -> tuple[Seen, Outgoing]:
    outgoing = job.rules.outgoing(issue, fields=bool(issue.parts & Parts.FIELDS), comments=issue.comments is not None)
    comments = None
    if outgoing.comments is not None:
        comments = [seen_comment(job, comment, body) for comment, body in outgoing.comments]
    entries = None if issue.history is None else [e for change in issue.history if (e := _seen_change(job, change))]
    times = {entry.key: entry.ts for entry in entries or ()}
    authors = {entry.key: entry.author for entry in entries or ()}
    return Seen(outgoing.values, outgoing.sets, comments, entries, issue.updated, times, authors), outgoing


def seen_comment(job: Job, comment: Comment, body: object) -> SeenComment:
    author = comment.author
    return SeenComment(
        comment.id,
        body,
        is_proxy(job, author),
        comment.mark,
        comment.updated or comment.created,
        author.name or author.login if author else "",
    )


def _seen_change(job: Job, change: object) -> SeenChange | None:
    projected = job.rules.change(change)  # type: ignore[arg-type]
    if projected is None:
        return None
    hub, element, value = projected
    key = r.element(hub, element) if element else r.scalar(hub)
    by = change.by  # type: ignore[attr-defined]
    return SeenChange(key, value, is_proxy(job, by), change.at, (by.name or by.login) if by else "")  # type: ignore[attr-defined]


def is_proxy(job: Job, user: object) -> bool:
    proxy = getattr(job.instance, "proxy", None)
    if proxy is None or user is None:
        return False
    return bool((proxy.user_id and user.id == proxy.user_id) or (not proxy.user_id and user.login == proxy.login))  # type: ignore[attr-defined]
