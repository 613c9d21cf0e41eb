"""READ FIRST: the story of one pair's work, one call a line.

Every door (syncjobs/intake/) only marks a pair as due. A worker claims it (queue.py) and comes here. Recovering comes
before looking, or our own half-recorded write would be sent back as a person's; sending comes last, so that what the
partner gets includes what we have just seen.
"""

from __future__ import annotations

from syncjobs import apply, deliver, look, recover
from syncjobs.job import Job


def work(job: Job) -> None:
    """Bring one pair up to date: what a crash left, what people did here, what the partner sent. Raises ExalateError,
    LostFence, InDoubt; the worker (queue.py) decides what each means for the pair."""
    recover.settle_open_intents(job)
    issue = look.read_and_observe(job)
    apply.carry_out(job, issue)
    deliver.send_what_the_peer_lacks(job)
    apply.tell_how_it_ended(job)
