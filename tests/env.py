"""The environment of every test, set before Django reads its settings (a pytest plugin named in pyproject.toml)."""

from __future__ import annotations

import base64
import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="exalate-test-"))
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("ENCRYPTION_KEYS", base64.b64encode(b"k" * 32).decode())
os.environ.setdefault("ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")
os.environ.setdefault("DEBOUNCE_MS", "0")
