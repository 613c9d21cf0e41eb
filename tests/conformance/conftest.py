"""What pytest needs to know of the conformance suite: its marker, and the vendors' known flaws."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(*(f"tests.conformance.{name}" for name in ("contract", "events_contract", "http_contract")))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*flags): runs only for a connector whose Features claim these")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A flaw of the vendor, listed by test name with its reason, must still be there: gone, it leaves the list."""
    for item in items:
        flaws = getattr(getattr(item, "cls", None), "flaws", {})
        reason = flaws.get(getattr(item, "originalname", item.name))
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
