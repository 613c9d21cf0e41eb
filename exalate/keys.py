"""The key file of a node: made once, readable by its owner only, never in the database or in a backup of it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any


def load_keys(path: Path) -> dict[str, Any]:
    """The keys, or {} when there is no file yet (exalate/checks.py then says what to do)."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found


def make_keys(path: Path) -> bool:
    """Make the key file if there is none; True when it was made."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {"secret_key": secrets.token_urlsafe(48), "encryption_keys": [base64.b64encode(secrets.token_bytes(32)).decode()]}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(keys, out)
    return True
