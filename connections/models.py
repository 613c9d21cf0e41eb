"""Who syncs with whom, by which rules. A local connection has two ends on this node. Verbs: connections/actions.py."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from trackers.models import Instance

SIDES = (("A", "A (initiator)"), ("B", "B (destination)"))


def new_uid() -> str:
    return uuid.uuid4().hex


class Connection(models.Model):
    class Type(models.TextChoices):
        LOCAL = "local", "Local"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        DEACTIVATED = "deactivated", "Deactivated"
        CLOSED = "closed", "Closed"

    uid = models.CharField(max_length=32, unique=True, default=new_uid, editable=False)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True, default="")
    type = models.CharField(max_length=10, choices=Type, default=Type.LOCAL)
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    state_note = models.CharField(max_length=300, blank=True, default="")  # who and why
    policies = models.JSONField(default=dict, blank=True)  # hub field -> "newest" | "A" | "B"; absent = newest
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ConnectionEnd(models.Model):
    """One side of a connection: the instance and project whose issues take part, and its rules."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="ends")
    side = models.CharField(max_length=1, choices=SIDES)
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="ends")
    project = models.CharField(max_length=200, blank=True, default="")  # the tracker's key: PAY, acme/demo
    project_name = models.CharField(max_length=200, blank=True, default="")
    short_name = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ("connection", "side")
        constraints = [models.UniqueConstraint(fields=["connection", "side"], name="one_end_per_side")]

    def __str__(self) -> str:
        return f"{self.short_name or self.instance.name} · {self.project}" if self.project else str(self.instance)

    @property
    def rules(self) -> SyncRules | None:
        """The published rules; None while the connection is a draft without them."""
        return self.rule_versions.filter(state=SyncRules.State.PUBLISHED).order_by("-version").first()


class SyncRules(models.Model):
    """The rules of one end, versioned. `rows` is the mapping table (connections/rules/mapping.py says its shape)."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        REPLACED = "replaced", "Replaced"

    end = models.ForeignKey(ConnectionEnd, on_delete=models.CASCADE, related_name="rule_versions")
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    rows = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ("end", "-version")
        verbose_name = verbose_name_plural = "sync rules"
        constraints = [models.UniqueConstraint(fields=["end", "version"], name="one_rules_version")]

    def __str__(self) -> str:
        return f"{self.end} v{self.version}"
