"""The contract's point 13, for trackers that are reached over HTTP: what goes wrong on the way becomes the right error."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from exalate import errors as e
from tests.conformance.world import Answering, answering, fresh, said
from trackers.connector import Connector

TOKEN = "sandbox-top-secret-token-0815"
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
LOGIN_PAGE = b"<html><head><title>Log in</title></head><body>Log in</body></html>"
CASES = {
    "401": (401, JSON, b"{}", e.BadCredentials),
    "403": (403, JSON, b"{}", e.Forbidden),
    "404": (404, JSON, b"{}", e.NotFound),
    "410": (410, JSON, b"{}", e.NotFound),
    "409": (409, JSON, b"{}", e.Stale),
    "400": (400, JSON, b"{}", e.Rejected),
    "422": (422, JSON, b"{}", e.Rejected),
    "429": (429, {**JSON, "Retry-After": "7"}, b"{}", e.RateLimited),
    "500": (500, JSON, b"{}", e.Unavailable),
    "502 with a page": (502, HTML, b"<html>Bad gateway</html>", e.Unavailable),
    "503": (503, JSON, b"", e.Unavailable),
    "503 with a time": (503, {**JSON, "Retry-After": "7"}, b"", e.RateLimited),
    "404 with a page": (404, HTML, LOGIN_PAGE, e.NotFound),
    "a log-in page": (200, HTML, LOGIN_PAGE, e.UnexpectedAnswer),
    "cut JSON": (200, JSON, b'{"id": ', e.UnexpectedAnswer),
    "a JSON list": (200, JSON, b"[]", e.UnexpectedAnswer),
    "JSON of somebody else": (200, JSON, b'{"hello": "world"}', e.UnexpectedAnswer),
}


class HttpContract:
    missing: str  # a key of this tracker's form

    def connect(self, url: str, token: str, timeout: float) -> Connector:
        raise NotImplementedError

    @pytest.fixture
    def broken(self) -> Iterator[Answering]:
        with answering() as answer:
            yield answer

    @pytest.mark.parametrize("case", CASES)
    def test_a_read_that_fails_raises_the_right_error(self, broken: Answering, case: str) -> None:
        broken.status, broken.headers, broken.body, wanted = CASES[case]
        with pytest.raises(e.TrackerError) as raised:
            self.connect(broken.url, TOKEN, 5).read(self.missing)
        assert type(raised.value) is wanted
        assert raised.value.after == (7 if wanted is e.RateLimited else None)
        assert TOKEN not in str(raised.value) + raised.value.message
        assert "Traceback" not in raised.value.message

    @pytest.mark.parametrize("case", [name for name in CASES if name not in ("409",)])
    def test_a_write_that_fails_raises_the_right_error(self, broken: Answering, case: str) -> None:
        broken.status, broken.headers, broken.body, wanted = CASES[case]
        with pytest.raises(e.TrackerError) as raised:
            self.connect(broken.url, TOKEN, 5).comment(self.missing, said("x"), mark=fresh())
        assert type(raised.value) is wanted
        assert raised.value.in_doubt == (wanted in (e.Unavailable, e.UnexpectedAnswer))
        assert TOKEN not in raised.value.message

    def test_a_call_that_takes_too_long_is_in_doubt(self, broken: Answering) -> None:
        broken.delay = 1.5
        with pytest.raises(e.Unavailable) as raised:
            self.connect(broken.url, TOKEN, 0.3).comment(self.missing, said("x"), mark=fresh())
        assert type(raised.value) is e.Unavailable
        assert raised.value.in_doubt

    def test_a_port_where_nobody_listens_is_unreachable_and_not_in_doubt(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(e.Unreachable) as raised:
                self.connect(url, TOKEN, 5).comment(self.missing, said("x"), mark=fresh())
        assert not raised.value.in_doubt
