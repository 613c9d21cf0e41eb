"""What a finished write, or one that a crash or a time-out left in doubt, means for `last` and the twins. PURE.

Recorded are the registers stored in the step, not those of now. After our own write the base is what the tracker
answered, projected by the outgoing rules: a later read may contain a person's edit, which would be swallowed as base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncjobs.engine import registers as r
from syncjobs.engine.observe import Seen, SeenComment, our_entry
from syncjobs.engine.observe import since as entries_since
from syncjobs.engine.plan import Step
from syncjobs.engine.state import Last, State, Watch

DONE, NOT_DONE = "done", "not done"


def settle(
    state: State, step: Step, answer: Mapping[str, Any], *, local: str = "", since: int = 0, watched: bool = False
) -> None:
    """Record a definite success. `answer`: register key -> hub value that stands now (missing = as expected);
    `local`: the id of what was created; `watched`: the tracker's history will tell whether an edit was covered."""
    if step.kind == "create":
        state.local, state.fresh = local, True
    if step.kind == "add_comment":
        state.twins[step.uid] = local
    for key, reg in step.regs.items():
        before, stands = state.last_of(key), answer.get(key, step.expects.get(key, reg.val))
        state.last[key] = Last(stands, r.join(before.vv, reg.vv), reg.rid, reg.n)
        state.refused.pop(key, None)
        if watched and step.kind == "update":
            state.watch[key] = Watch(stands, reg.vv, reg.rid, reg.n, step.seen.get(key), before.vv, since)


def absorb(state: State, absorbed: Mapping[str, Last]) -> None:
    state.last.update(absorbed)


# ------------------------------------------------------------------ recovery, after the quiet period
def recover_update(state: State, step: Step, seen: Seen, since: int) -> str:
    """Did the write happen? With a history: our entry in it decides. Without: the value intended stands (done), the
    value read before stands (not done), or a third one, which observe then treats as a person's."""
    verdict = NOT_DONE
    for key, reg in step.regs.items():
        watch = Watch(step.expects.get(key, reg.val), reg.vv, reg.rid, reg.n, step.seen.get(key), state.last_of(key).vv, since)
        entries = entries_since(key, watch, seen.history or ())
        ours = our_entry(watch, entries)
        if ours is not None:
            watch = replace(watch, val=entries[ours].val)
            state.watch[key] = watch
        if ours is not None or _now(seen, key) == watch.val:
            state.last[key] = Last(watch.val, r.join(state.last_of(key).vv, reg.vv), reg.rid, reg.n)
            verdict = DONE
    return verdict


def _now(seen: Seen, key: str) -> Any:
    if r.is_element(key):
        return r.element_of(key) in (seen.sets or {}).get(r.hub_of(key), frozenset())
    return (seen.values or {}).get(r.hub_of(key))


def recover_comment(state: State, step: Step, comments: Sequence[SeenComment]) -> str:
    """By mark, then by author and text. An addition that is not there is made again by the next plan."""
    if step.kind == "add_comment":
        return _recover_addition(state, step, comments)
    here = next((comment for comment in comments if comment.id == step.comment), None)
    done = here is None if step.kind == "remove_comment" else here is not None and here.body == _body_register(step).val
    if done:
        settle(state, step, {})
    return DONE if done else NOT_DONE


def _recover_addition(state: State, step: Step, comments: Sequence[SeenComment]) -> str:
    free = [comment for comment in comments if comment.id not in state.twins.values()]
    body = _body_register(step).val
    found = next((comment for comment in free if comment.mark == step.mark), None)
    if found is None:
        found = next((comment for comment in free if comment.ours and not comment.mark and comment.body == body), None)
    if found is None:
        return NOT_DONE
    settle(state, step, {}, local=found.id)
    return DONE


def _body_register(step: Step) -> r.Register:
    return next(reg for key, reg in step.regs.items() if r.is_body(key))
