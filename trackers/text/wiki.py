"""Jira wiki markup as a leg of the document tree: both ways. PURE."""

from trackers.text.wiki_read import from_wiki
from trackers.text.wiki_write import to_wiki

__all__ = ["from_wiki", "to_wiki"]
