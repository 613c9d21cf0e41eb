"""GitHub Markdown as a leg of the document tree: both ways, and the neutralising of plain lines such as titles. PURE."""

from trackers.text.markdown_read import from_markdown
from trackers.text.markdown_write import to_markdown
from trackers.text.neutral import neutralised, restored

__all__ = ["from_markdown", "neutralised", "restored", "to_markdown"]
