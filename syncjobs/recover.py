"""What a crash or a time-out left in doubt. Nothing is concluded before the quiet period of an intent has passed: a call
that we gave up on can still land, so looking early and finding nothing proves nothing. sync-semantics 6."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from syncjobs import look
from syncjobs.engine import settle
from syncjobs.engine.plan import Step, step_from_json
from syncjobs.job import Job
from syncjobs.models import Intent
from trackers.issue import Parts


class InDoubt(Exception):
    """A write is not confirmed; the pair waits until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"in doubt until {until}")
        self.until = until


def settle_open_intents(job: Job) -> None:
    """Raises InDoubt while a quiet period runs."""
    if not (job.claim.crashed or job.pair.in_doubt):
        return
    for intent in list(Intent.objects.filter(pair_id=job.pair.pk)):
        if timezone.now() < intent.quiet_until:
            raise InDoubt(intent.quiet_until)
        _settle(job, intent, step_from_json(intent.doc["step"]))
    if job.pair.in_doubt:
        job.set_columns(in_doubt=False)


def _settle(job: Job, intent: Intent, step: Step) -> None:
    if step.kind == "create":
        _creation(job, intent, step)
    elif step.kind == "update":
        _update(job, intent, step)
    else:
        _comment(job, intent, step)


def _creation(job: Job, intent: Intent, step: Step) -> None:
    """Found by its mark: adopted, with what we sent as its base, for a person may have edited it already."""
    since = int(intent.started_at.timestamp() * 1000) - 120_000
    found = job.connector.find_by_mark(job.pair.end.project, step.mark, since)
    with job.changing() as state:
        if found is not None and not state.local:
            settle.settle(state, step, {}, local=found.id)
        verdict = settle.DONE if found is not None else settle.NOT_DONE
        _close(job, intent, step, verdict)
    if found is not None:
        job.name_local_issue(found.key, found.url)


def _update(job: Job, intent: Intent, step: Step) -> None:
    parts = Parts.FIELDS | (Parts.HISTORY if job.connector.features.history else Parts.NONE)
    issue = job.connector.read(job.pair.local_key, parts)
    seen, _ = look.project(job, issue)
    with job.changing() as state:
        verdict = settle.recover_update(state, step, seen, intent.doc["since"])
        _close(job, intent, step, verdict)


def _comment(job: Job, intent: Intent, step: Step) -> None:
    issue = job.connector.read(job.pair.local_key, Parts.COMMENTS | Parts.MARKS)
    comments = [look.seen_comment(job, comment, job.rules.body_to_hub(comment.body)) for comment in issue.comments or ()]
    with job.changing() as state:
        verdict = settle.recover_comment(state, step, comments)
        _close(job, intent, step, verdict)


def _close(job: Job, intent: Intent, step: Step, verdict: str) -> None:
    intent.delete()
    said = "had taken effect" if verdict == settle.DONE else "had not taken effect"
    job.note("confirmed", f"{step.kind.replace('_', ' ').capitalize()} at {job.instance.name} {said}")
