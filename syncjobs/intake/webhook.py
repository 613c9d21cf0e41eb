"""The webhook door: verify, mark, answer. A delivery is a hint to look; nothing of its content is synced.

A delivery caused by the proxy user is dropped here: it is our own write coming back. A *read* is never dropped for that
reason, because a person's edit and ours can share one read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from connections.models import Connection
from exalate.errors import ExalateError, WebhookRefused
from syncjobs import queue
from syncjobs.job import connector_of
from syncjobs.models import SyncedIssue
from trackers.connector import IssueEvent
from trackers.issue import Parts
from trackers.models import Instance


@csrf_exempt
@require_POST
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """204 when taken, 401 for an unknown address or a wrong signature (the same answer), 413 when too large."""
    if int(request.headers.get("Content-Length") or 0) > settings.WEBHOOK_MAX_BYTES:
        return _problem(413, "The delivery is too large.")
    body = request.read(settings.WEBHOOK_MAX_BYTES + 1)
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        return _problem(413, "The delivery is too large.")
    instance = Instance.objects.select_related("proxy").filter(webhook_token=token).first()
    if instance is None:
        return _problem(401, "The delivery is not signed by a tracker that is known here.")
    try:
        events = connector_of(instance).parse_webhook(request.headers, body)
    except WebhookRefused:
        return _problem(401, "The delivery is not signed by a tracker that is known here.")
    except ExalateError as error:
        return _problem(422, error.message)
    take(instance, events)
    return HttpResponse(status=204)


def take(instance: Instance, events: tuple[IssueEvent, ...]) -> int:
    """Mark the pairs that `events` are about; how many."""
    _note_delivery(instance)
    proxy = getattr(instance, "proxy", None)
    marks: dict[tuple[int, str], Parts] = defaultdict(lambda: Parts.NONE)
    for event in events:
        if proxy and event.by and proxy.user_id and event.by.id == proxy.user_id:
            continue
        door = f"webhook {event.kind} by {event.by.name or event.by.login}" if event.by else f"webhook {event.kind}"
        for pk, stamp in _pairs(instance, event):
            marks[pk, door] |= event.parts | (Parts.HISTORY if event.stamp and stamp and event.stamp <= stamp else Parts.NONE)
    for (pk, door), parts in marks.items():
        queue.mark([pk], door=door, parts=parts)
    return len(marks)


def _pairs(instance: Instance, event: IssueEvent) -> list[tuple[int, str]]:
    about = Q(local_id=event.issue_id) if event.issue_id else Q(local_key=event.key)
    return list(
        SyncedIssue.objects.filter(about, end__instance=instance, state=SyncedIssue.State.ACTIVE)
        .exclude(connection__state=Connection.State.CLOSED)
        .values_list("pk", "stamp")
    )


def _note_delivery(instance: Instance) -> None:
    """For the instance's page; at most every ten seconds, so that a flood writes nothing."""
    now = timezone.now()
    if instance.last_webhook_at is None or now - instance.last_webhook_at > timedelta(seconds=10):
        Instance.objects.filter(pk=instance.pk).update(last_webhook_at=now)


def _problem(status: int, detail: str) -> JsonResponse:
    return JsonResponse(
        {"type": "about:blank", "status": status, "title": "Not taken", "detail": detail},
        status=status,
        content_type="application/problem+json",
    )
