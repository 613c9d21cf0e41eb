"""What we keep of a tracker: where it is, who we are there, how fast we may go. Verbs: trackers/actions.py."""

from __future__ import annotations

import json
import secrets as random_secrets
from typing import Any

from django.db import models
from django.utils import timezone

from exalate import secrets
from trackers.connector import Connector
from trackers.registry import OFFERED, connector_class


def webhook_token() -> str:
    return random_secrets.token_urlsafe(24)


def kind_choices() -> list[tuple[str, str]]:
    return [(kind, connector_class(kind).label) for kind in OFFERED]


class Instance(models.Model):
    """One tracker we can log in to."""

    class Status(models.TextChoices):
        UNCHECKED = "unchecked", "Not tested yet"
        OK = "ok", "Connected"
        ERROR = "error", "Error"
        PAUSED = "paused", "Paused"

    name = models.CharField(max_length=80, unique=True, help_text="How this tracker is called in the console.")
    kind = models.CharField("tracker", max_length=32, choices=kind_choices)
    url = models.URLField("URL", max_length=500, help_text="The address of the tracker, with its context path if it has one.")
    status = models.CharField(max_length=16, choices=Status, default=Status.UNCHECKED)
    status_note = models.CharField(max_length=500, blank=True, default="")
    status_since = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)  # what Test connection found: trackers/actions.py
    call_timeout = models.PositiveSmallIntegerField("call time limit (s)", default=30)
    settle_seconds = models.PositiveSmallIntegerField(
        "settle time (s)", default=60, help_text="How long after its time limit a call may still take effect in the tracker."
    )
    poll_seconds = models.PositiveIntegerField("poll interval (s)", default=60)
    webhook_token = models.CharField(max_length=64, unique=True, default=webhook_token, editable=False)
    webhook_secret_sealed = models.TextField(blank=True, default="", editable=False)
    last_webhook_at = models.DateTimeField(null=True, blank=True)
    webhook_note = models.CharField(max_length=300, blank=True, default="")
    # circuit breaker and throttle, shared by all workers
    failures = models.PositiveIntegerField(default=0)  # transport failures in a row
    blocked_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def connector(self) -> Connector:
        """The logged-in connector of this instance; the only way to a tracker. Raises BadCredentials without a proxy user."""
        from trackers.session import settings_of  # the session layer reads models only as values

        return connector_class(self.kind)(settings_of(self))

    @property
    def features(self) -> Any:
        return connector_class(self.kind).features

    def _context(self) -> str:
        return f"trackers_instance.webhook_secret.{self.webhook_token}"

    @property
    def webhook_secret(self) -> str:
        """Made on first use; kept sealed."""
        if not self.webhook_secret_sealed:
            self.webhook_secret_sealed = secrets.seal(random_secrets.token_hex(24), self._context())
            if self.pk:
                Instance.objects.filter(pk=self.pk).update(webhook_secret_sealed=self.webhook_secret_sealed)
        return secrets.unseal(self.webhook_secret_sealed, self._context())


class ProxyUser(models.Model):
    """The account the sync acts as. Changes made by it are never synced."""

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="proxy")
    user_id = models.CharField(max_length=200, blank=True, default="")  # the tracker's immutable id, from Test connection
    login = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    is_admin = models.BooleanField(default=False)
    credentials_sealed = models.TextField(blank=True, default="", editable=False)
    set_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.login or self.name or "proxy user"

    def _context(self) -> str:
        return f"trackers_proxyuser.credentials.{self.instance_id}"

    @property
    def credentials(self) -> dict[str, str]:
        """By `Setting.name`; {} when none were given."""
        if not self.credentials_sealed:
            return {}
        found: dict[str, str] = json.loads(secrets.unseal(self.credentials_sealed, self._context()))
        return found

    def keep_credentials(self, values: dict[str, str]) -> None:
        """Seal and set `values`; the caller saves."""
        self.credentials_sealed = secrets.seal(json.dumps(values), self._context())
        self.set_at = timezone.now()


class RateBudget(models.Model):
    """What a tracker's rate headers last said, per class of endpoint; one conditional update a call."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="budgets")
    scope = models.CharField(max_length=40, default="core")
    limit = models.PositiveIntegerField(null=True)
    remaining = models.PositiveIntegerField(null=True)
    resets_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "scope"], name="one_budget_per_scope")]
