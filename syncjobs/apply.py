"""Carries out a plan: each operation journaled before its call and settled after it, in single transactions.

A definite refusal of one field parks that field and the rest goes on; anything that may have had an effect leaves its
intent behind and puts the pair in doubt (recover.py)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from exalate.errors import ExalateError, Forbidden, NotFound, Rejected, Stale, TrackerError, Unsupported
from syncjobs import faults, history, look
from syncjobs.engine import registers as r
from syncjobs.engine import settle
from syncjobs.engine.plan import Abilities, Plan, Step, Wanted, plan
from syncjobs.job import Job
from syncjobs.models import Intent, SyncError
from syncjobs.recover import InDoubt
from trackers.issue import Issue, Parts, SetChange, User
from trackers.session import tally

ROUNDS = 8  # of planning in one run: a creation, its remaining fields, and refused fields one by one
REFUSALS = (Rejected, Forbidden, Unsupported)


def carry_out(job: Job, issue: Issue | None) -> None:
    """Until nothing is left to do. Raises InDoubt, and ExalateError when the issue as a whole cannot be written."""
    alone = False
    for _ in range(ROUNDS):
        todo = _plan(job, issue, alone)
        if todo.absorbed:
            with job.changing() as state:
                settle.absorb(state, todo.absorbed)
        if not todo.steps:
            break
        outcome = [_run(job, step, issue) for step in todo.steps]
        alone = alone or "refused" in outcome
        if todo.steps[0].kind == "create" or "stale" in outcome:
            issue = _look_again(job)
        elif "refused" not in outcome:
            break
    _tell_problems(job, todo)


def _plan(job: Job, issue: Issue | None, alone: bool) -> Plan:
    features = job.connector.features
    current = None
    if issue is not None and issue.parts & Parts.FIELDS:
        current = _values(issue)
    abilities = Abilities(features.edits_comments, features.deletes_comments)
    return plan(job.state(), lambda hub, value: _wanted(job, hub, value), current, abilities, job.pair.uid, alone)


def _values(issue: Issue) -> Any:
    def value(field: str) -> Any:
        found = issue.value(field)
        return found.login if isinstance(found, User) else found or (found if isinstance(found, frozenset) else None)

    return value


def _wanted(job: Job, hub: str, value: Any) -> Wanted:
    local = job.rules.incoming(hub, value)
    return Wanted(local.field, local.value, local.back, local.problem, local.ignored)


def _look_again(job: Job) -> Issue | None:
    """After a creation, what the tracker added by itself is the base of what is left to write; after a stale write, what
    made it stale. One call, and only when fields are left."""
    parts = Parts.FIELDS if any(not key.startswith("e/") for key in job.state().pending()) else Parts.NONE
    return look.read_and_observe(job, parts) if parts else None


# ------------------------------------------------------------------ one operation
def _run(job: Job, step: Step, issue: Issue | None) -> str:
    """ "done", "refused" or "stale". Raises InDoubt, or the error that stops the pair."""
    intent = _journal(job, step, issue)
    with tally() as calls:
        try:
            answer = _call(job, step, issue)
        except Stale:
            _drop(job, intent)
            return "stale"
        except REFUSALS as error:
            _refuse(job, intent, step, error)
            return "refused"
        except NotFound as error:
            if step.kind not in ("edit_comment",):
                _drop(job, intent)
                raise
            _refuse(job, intent, step, error)
            return "refused"
        except TrackerError as error:
            if not error.in_doubt:
                _drop(job, intent)
                raise
            raise _in_doubt(job, intent, error) from error
    _settle(job, intent, step, answer, issue, [call.as_json() for call in calls])
    return "done"


def _journal(job: Job, step: Step, issue: Issue | None) -> Intent:
    now = timezone.now()
    quiet = timedelta(seconds=job.instance.call_timeout + job.instance.settle_seconds + job.connector.features.index_lag_s)
    intent = Intent(pair=job.pair, op=uuid.uuid4().hex, started_at=now, quiet_until=now + quiet)
    intent.doc = {"step": step.as_json(), "since": issue.updated if issue else 0}
    with job.fenced():
        intent.save(force_insert=True)
    return intent


def _call(job: Job, step: Step, issue: Issue | None) -> Any:
    tracker, key = job.connector, job.pair.local_key
    if step.kind == "create":
        return tracker.create(job.pair.end.project, _fields(step, created=True), step.mark)
    if step.kind == "update":
        return tracker.update(key, _fields(step), base=issue)
    if step.kind == "add_comment":
        return tracker.comment(key, step.body, mark=step.mark)
    if step.kind == "edit_comment":
        return tracker.comment(key, step.body, edit=step.comment, mark=step.mark)
    return tracker.remove_comment(key, step.comment)


def _fields(step: Step, created: bool = False) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in step.fields.items():
        if isinstance(value, Mapping) and set(value) == {"add", "remove"}:
            fields[name] = tuple(value["add"]) if created else SetChange(tuple(value["add"]), tuple(value["remove"]))
        elif name == "assignee":
            fields[name] = User(id="", login=value) if value else None
        else:
            fields[name] = value
    return fields


def _settle(job: Job, intent: Intent, step: Step, answer: Any, issue: Issue | None, calls: list[Any]) -> None:
    since = issue.updated if issue else 0
    features = job.connector.features
    watched = features.history and not features.conditional_update
    with job.changing() as state:
        before = {key: state.last_of(key).val for key in step.regs}
        local = getattr(answer, "id", "") if step.kind in ("create", "add_comment") else ""
        settle.settle(state, step, _stands(job, step, answer), local=local, since=since, watched=watched)
        if step.kind == "remove_comment":
            _keep_text(job, state.last_of(r.entity("comment", "body", step.uid)).val)
        intent.delete()
        after = {key: state.last[key].val for key in step.regs}
        who = ", ".join(sorted({reg.author for reg in step.regs.values() if reg.author}))
        said = f"{job.instance.name}: {step.kind.replace('_', ' ')} ({history.names(step.regs)})"
        job.note("wrote", said, by=who, changes=history.changes(before, after), calls=calls, rules=job.rules_version)
    if step.kind == "create":
        job.name_local_issue(answer.key, answer.url)
    if getattr(answer, "stamp", "") and answer.stamp != job.pair.stamp:
        job.set_columns(stamp=answer.stamp)


def _keep_text(job: Job, body: Any) -> None:
    job.note("deleted", "The text of the deleted comment", text=history.shown(body))


def _stands(job: Job, step: Step, answer: Any) -> dict[str, Any]:
    """What the tracker's answer says stands now, as hub values."""
    comment = getattr(answer, "comment", None)
    if comment is not None:
        body = job.rules.body_to_hub(comment.body)
        return {key: body for key in step.regs if r.is_body(key)}
    issue = getattr(answer, "issue", None)
    if issue is None:
        return {}
    out = job.rules.outgoing(issue, fields=True, comments=False)
    found: dict[str, Any] = {}
    for key in step.regs:
        hub = r.hub_of(key)
        if r.is_element(key) and hub in (out.sets or {}):
            found[key] = r.element_of(key) in (out.sets or {})[hub]
        elif r.is_scalar(key) and (out.values or {}).get(hub) is not None:
            found[key] = (out.values or {})[hub]
    return found


# ------------------------------------------------------------------ what goes wrong
def _drop(job: Job, intent: Intent) -> None:
    with job.fenced():
        intent.delete()


def _refuse(job: Job, intent: Intent, step: Step, error: ExalateError) -> None:
    """Park the field at fault; when the tracker does not say which of several it is, the next round writes them one by one."""
    guilty = [key for key, field in step.local_of.items() if error.field and field == error.field]
    if not guilty and (len(step.regs) == 1 or step.kind.endswith("comment")):
        guilty = list(step.regs)
    hopeless = step.kind == "create" and (not guilty or r.scalar("summary") in guilty)
    with job.changing() as state:
        intent.delete()
        for key in [] if hopeless else guilty:
            state.refuse(key, error.message, type(error).__name__, error.field)
    if hopeless:
        raise error


def _in_doubt(job: Job, intent: Intent, error: TrackerError) -> InDoubt:
    job.note("doubt", f"{job.instance.name} did not confirm: {error.message}", until=intent.quiet_until.isoformat())
    with job.fenced():
        job.flush()
    return InDoubt(intent.quiet_until)


def _tell_problems(job: Job, todo: Plan) -> None:
    for problem in todo.problems:
        job.problems[problem.key] = ("NotMapped" if "not mapped" in problem.text else "Unsupported", problem.field, problem.text)
    for key, (_, _, message, kind, field) in job.state().refusals().items():
        job.problems[key] = (kind, field, message)


# ------------------------------------------------------------------ the end of a run
REMEDIES = {cls.__name__: cls.fix for cls in (Rejected, Forbidden, Unsupported, NotFound)}
REMEDIES["NotMapped"] = "Add the value to the mapping table of the connection, then press Retry."


def tell_how_it_ended(job: Job) -> None:
    """Problems become error rows and "partly"; what is over is resolved. Costs no query when all was and is well."""
    open_rows = [
        faults.open_row(
            SyncError.Level.ISSUE, job.pair, kind=kind, message=message, remedy=REMEDIES.get(kind, ""), field=field
        ).signature
        for kind, field, message in job.problems.values()
    ]
    still_partly = job.pair.partly and not job.read_fields  # a run that read comments only says nothing of the fields
    if (job.pair.has_error or job.pair.partly) and not still_partly:
        faults.resolve_rows(job.pair, keep=open_rows)
    job.at_release(partly=bool(open_rows) or still_partly, has_error=False)
    if job.notes:
        job.flush()
