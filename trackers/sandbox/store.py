"""What a simulated tracker remembers: documents in memory, written through to one SQLite file.

Everything a request changed is committed in one transaction before it is answered, so a killed process loses nothing it
had confirmed. `synchronous` is off: that guards against a dead process, not against a dead machine.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

Doc = dict[str, Any]


class Store:
    """Tables of documents by text key, in order of creation. Callers hold `lock` while they use it."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._tables: dict[str, dict[str, Doc]] = {}
        self._changed: dict[tuple[str, str], Doc | None] = {}
        self._db = _open(path) if path else None
        if self._db:
            for table, key, text in self._db.execute("SELECT kind, id, doc FROM docs ORDER BY rowid"):
                self.table(table)[key] = json.loads(text)

    def table(self, name: str) -> dict[str, Doc]:
        return self._tables.setdefault(name, {})

    def get(self, table: str, key: str | int) -> Doc | None:
        return self.table(table).get(str(key))

    def put(self, table: str, key: str | int, doc: Doc) -> Doc:
        """Keep `doc`, new or changed in place."""
        self.table(table)[str(key)] = doc
        self._changed[table, str(key)] = doc
        return doc

    def drop(self, table: str, key: str | int) -> None:
        self.table(table).pop(str(key), None)
        self._changed[table, str(key)] = None

    def next(self, counter: str, first: int = 1) -> int:
        """The next number of a counter; never given twice, not even after a restart."""
        value = self.table("counters").get(counter, {"next": first})["next"]
        self.put("counters", counter, {"next": value + 1})
        return int(value)

    def clear(self, keep: frozenset[str] = frozenset()) -> None:
        """Forget everything but the tables, and the counters, named in `keep`."""
        for name in [name for name in self._tables if name not in keep]:
            for key in list(self.table(name)):
                if name != "counters" or key not in keep:
                    self.drop(name, key)

    def commit(self) -> None:
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        if not self._db:
            return
        self._db.execute("BEGIN")
        for (table, key), doc in changed.items():
            if doc is None:
                self._db.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (table, key))
                continue
            self._db.execute(
                "INSERT INTO docs (kind, id, doc) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                (table, key, json.dumps(doc, separators=(",", ":"))),
            )
        self._db.execute("COMMIT")

    def close(self) -> None:
        with self.lock:
            self.commit()
            if self._db:
                self._db.close()
                self._db = None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("CREATE TABLE IF NOT EXISTS docs (kind TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL, UNIQUE (kind, id))")
    return db
