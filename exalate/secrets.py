"""Secrets at rest (AES-256-GCM, key id beside the ciphertext, bound to its place) and their removal from text.

A sealed value is `v1.<key id>.<base64 nonce + ciphertext>`. `context` names table, column and row: a ciphertext copied
to another place does not open. Keys: settings.ENCRYPTION_KEYS, newest first; the first seals, all open.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from exalate.errors import DataError


def _keys() -> list[tuple[str, AESGCM]]:
    raw = [base64.b64decode(key) for key in settings.ENCRYPTION_KEYS]
    return [(hashlib.sha256(key).hexdigest()[:8], AESGCM(key)) for key in raw]


def seal(plain: str, context: str) -> str:
    key_id, cipher = _keys()[0]
    nonce = os.urandom(12)
    sealed = nonce + cipher.encrypt(nonce, plain.encode(), context.encode())
    return f"v1.{key_id}.{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, context: str) -> str:
    """Raises DataError when the key is missing or the value was moved or changed."""
    try:
        version, key_id, body = sealed.split(".", 2)
        raw = base64.b64decode(body)
        cipher = dict(_keys())[key_id]
        plain = cipher.decrypt(raw[:12], raw[12:], context.encode()).decode()
    except (ValueError, KeyError, InvalidTag) as error:
        raise DataError("A stored secret cannot be opened: its key is missing, or the row was altered. Enter it again.") from error
    remember(plain)
    return plain


_known: set[str] = set()
_PATTERNS = [
    re.compile(r"(?i)(authorization|cookie|set-cookie|x-hub-signature(?:-256)?)(['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"),
    re.compile(r"(?i)\b(bearer|basic|token)(\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)([?&](?:access_token|token|secret|password|api_key|jwt)=)()[^&\s]+"),
    re.compile(r"(?i)(\"(?:password|token|secret|api_token)\"\s*:\s*)()\"[^\"]*\""),
    re.compile(r"\b((?:gh[pousr]|github_pat)_)()[A-Za-z0-9_]{8,}"),
    re.compile(r"(://)()[^/\s:@]+:[^/\s@]+(?=@)"),
]


def remember(secret: str) -> None:
    """From now on `redact` removes this very value wherever it stands."""
    if len(secret) >= 6 and len(_known) < 10_000:
        _known.add(secret)


def redact(text: str) -> str:
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, "•••")
    for pattern in _PATTERNS:
        text = pattern.sub(r"\1\2•••", text)
    return text


class RedactingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        return True
