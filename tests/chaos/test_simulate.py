"""The faulty world, short; `make simulate SEEDS=n` runs any number."""

from __future__ import annotations

import pytest

from syncjobs.engine import delivery, settle
from tests.chaos import simulate


def test_two_hundred_seeds_keep_every_promise() -> None:
    assert simulate.campaign(0, 200, verbose=False) == {}


def test_the_world_notices_when_a_safety_rule_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "QUIET", 0)
    assert simulate.campaign(0, 30, verbose=False), "looking for an abandoned call too early must be caught"


def test_the_world_notices_a_lost_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate.Node, "recover", lambda self, pair: pair.intents.clear())
    assert simulate.campaign(0, 30, verbose=False), "forgetting what a crash left must be caught"


def test_the_world_notices_a_missing_poll() -> None:
    assert simulate.campaign(0, 60, frozenset({"no_poll"}), verbose=False), "webhooks alone lose changes"


def test_the_world_notices_edits_that_were_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "Watch", lambda *values: None)
    monkeypatch.setattr(simulate.settle, "settle", _without_watch)
    assert simulate.campaign(0, 60, verbose=False), "a write over an unseen edit must be caught"


def _without_watch(state, step, answer, *, local="", since=0, watched=False):  # type: ignore[no-untyped-def]
    return _settle(state, step, answer, local=local, since=since, watched=False)


_settle = settle.settle


def test_the_world_notices_an_acknowledgement_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(state, ack):  # type: ignore[no-untyped-def]
        state.acked = max(state.acked, state.out_seq)

    monkeypatch.setattr(delivery, "acknowledge", early)
    assert simulate.campaign(0, 60, verbose=False), "acknowledging what was not kept must be caught"
