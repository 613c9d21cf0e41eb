"""The only way out to the network: the address guard, time limits, size caps, errors. No other module imports requests.

The host is resolved once, every address of it is checked, and the connection is opened to a checked address: there is no
second look-up that a hostile DNS could answer differently. Host header and TLS name stay those of the URL.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from exalate.errors import AddressRefused, Unavailable, UnexpectedAnswer, Unreachable

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 30.0, 60.0
CAP_BYTES = 10 * 1024 * 1024  # of one answer, after decompression
REDIRECTS = 3
METADATA = [
    ipaddress.ip_network(net) for net in ("169.254.169.254/32", "169.254.170.2/32", "fd00:ec2::254/128", "100.100.100.200/32")
]
SHARED = ipaddress.ip_network("100.64.0.0/10")  # carrier-grade NAT
NAT64 = ipaddress.ip_network("64:ff9b::/96")
USER_AGENT = "exalate-self-hosted/0.1"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


# ------------------------------------------------------------------ the address guard
def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), or itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def allowed_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in settings.ALLOWED_NETWORKS]


def permitted(address: Address) -> bool:
    """Public addresses, and those in ALLOWED_NETWORKS; cloud metadata never."""
    real = inner(address)
    if any(real in net or address in net for net in METADATA if net.version in (real.version, address.version)):
        return False
    if in_allowed_network(address):
        return True
    return real.is_global and not real.is_multicast and not (real.version == 4 and real in SHARED)


def in_allowed_network(address: Address) -> bool:
    real = inner(address)
    return any(real in net for net in allowed_networks() if net.version == real.version)


def resolve(host: str, port: int) -> str:
    """The address to connect to. Raises Unreachable when there is none, AddressRefused when any of them is forbidden."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"The host {host} is not known.", field="url") from error
    addresses = [ipaddress.ip_address(str(info[4][0]).split("%")[0]) for info in found]
    if not addresses or not all(permitted(address) for address in addresses):
        raise AddressRefused(f"The address of {host} is in a network that is not allowed.", field="url")
    return str(addresses[0])


class _Guarded:
    """Mixed into urllib3's connections: connect to the checked address, keep the name for TLS and the Host header."""

    host: str
    port: int
    timeout: Any
    source_address: Any
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        target = resolve(self.host, self.port)
        limit = self.timeout if isinstance(self.timeout, int | float) else CONNECT_SECONDS
        try:
            made = socket.create_connection((target, self.port), limit)
        except OSError as error:
            raise Unreachable(f"No connection to {self.host}:{self.port} could be opened.", field="url") from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


class _PlainConnection(_Guarded, HTTPConnection):
    pass


class _TlsConnection(_Guarded, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


# ------------------------------------------------------------------ one exchange
@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # case-insensitive
    content: bytes
    url: str
    ms: float = 0.0
    text: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.content.decode("utf-8", "replace"))


_sessions: dict[tuple[int, str], requests.Session] = {}
_lock = threading.Lock()


def _session(origin: str) -> requests.Session:
    """One pool per process and origin, so that connections are kept; made anew after a fork."""
    key = (os.getpid(), origin)
    with _lock:
        if key not in _sessions:
            session = requests.Session()
            session.trust_env = False  # no proxy and no .netrc that nobody configured here
            adapter = _GuardedAdapter(pool_connections=1, pool_maxsize=32, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            _sessions[key] = session
        return _sessions[key]


def check_url(url: str) -> tuple[str, str]:
    """(origin, host) of an address that may be called. Raises AddressRefused with the reason."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused("The address must begin with https:// (or http:// in an allowed network).", field="url")
    if parts.username or parts.password:
        raise AddressRefused("The address must not contain a user name or password.", field="url")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused("The port in the address is not a number.", field="url") from error
    if parts.scheme == "http" and not in_allowed_network(ipaddress.ip_address(resolve(parts.hostname, port))):
        raise AddressRefused("Plain http:// is only used in networks of ALLOWED_NETWORKS; use https://.", field="url")
    return f"{parts.scheme}://{parts.hostname}:{port}", parts.hostname


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    timeout: float = READ_SECONDS,
    cap: int = CAP_BYTES,
) -> Reply:
    """One request; a GET follows at most three redirects, each checked like the first, and drops Authorization when the
    origin changes; a write follows none. Raises AddressRefused, Unreachable (no effect), Unavailable (may have had one),
    UnexpectedAnswer (too large)."""
    head = {"User-Agent": USER_AGENT, **(headers or {})}
    began = time.monotonic()
    for _ in range(REDIRECTS + 1):
        origin, _host = check_url(url)
        reply = _exchange(origin, method, url, head, params, json, min(timeout, READ_SECONDS), cap, began)
        target = reply.headers.get("Location")
        if method != "GET" or reply.status not in (301, 302, 303, 307, 308) or not target:
            return reply
        url, params = urljoin(reply.url, target), None
        if check_url(url)[0] != origin:
            head = {name: value for name, value in head.items() if name.lower() not in ("authorization", "cookie")}
    raise UnexpectedAnswer("The tracker redirects again and again.")


def _exchange(
    origin: str, method: str, url: str, headers: Mapping[str, str], params: Any, json: Any, timeout: float, cap: int, began: float
) -> Reply:
    host = urlsplit(url).hostname
    sent = time.monotonic()
    try:
        with _session(origin).request(
            method,
            url,
            headers=dict(headers),
            params=params,
            json=json,
            timeout=(CONNECT_SECONDS, timeout),
            allow_redirects=False,
            stream=True,
        ) as answer:
            content = _body(answer, cap, began)
            ms = (time.monotonic() - sent) * 1000
            return Reply(answer.status_code, answer.headers, content, answer.url, round(ms, 1))
    except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError) as error:
        raise Unreachable(f"No secure connection to {host} could be opened: {_reason(error)}.", field="url") from error
    except requests.exceptions.Timeout as error:
        raise Unavailable(f"{host} did not answer within {timeout:.0f} seconds.") from error
    except (requests.exceptions.RequestException, HTTPError, OSError) as error:
        raise Unavailable(f"The connection to {host} was lost before the answer came.") from error


def _body(answer: requests.Response, cap: int, began: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in answer.iter_content(65_536):
        size += len(chunk)
        if size > cap:
            raise UnexpectedAnswer(f"The answer is larger than {cap // 1024} KiB.")
        if time.monotonic() - began > TOTAL_SECONDS:
            raise Unavailable(f"The answer took longer than {TOTAL_SECONDS:.0f} seconds.")
        parts.append(chunk)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    return "the certificate is not trusted" if "CERTIFICATE_VERIFY" in str(error) else "the handshake failed or timed out"
