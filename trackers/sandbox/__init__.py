"""Simulated trackers over real HTTP, made from the vendors' facts. They share no code with the connectors.

`python -m trackers.sandbox --kind github --port 9101 --data DIR` serves one; `start(kind)` does so inside a test.
"""

from trackers.sandbox.server import Running, start

__all__ = ["Running", "start"]
