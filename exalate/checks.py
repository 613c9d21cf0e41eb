"""Bad configuration stops the start with a sentence (Django system checks). One function a group of settings."""

from __future__ import annotations
