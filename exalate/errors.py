"""Every error of the product, on one screen. Raised anywhere; read by the queue, the console and the API.

`retry`: the same call, untouched, may work later. `scope`: what stops ("issue", "instance", "connection",
"none"). `fix`: one sentence for the admin. `in_doubt`: the write that raised it may have had its effect.
"""

from __future__ import annotations


class ExalateError(Exception):
    """`message` names things as the admin knows them; never a secret, never a traceback."""

    retry = False
    scope = "issue"
    fix = "Look at the history of this issue for what was tried."
    in_doubt = False

    def __init__(self, message: str = "", *, field: str = "", after: float | None = None) -> None:
        super().__init__(message or self.fix)
        self.message = message or self.fix
        self.field = field  # the field of the tracker or of the form that is at fault
        self.after = after  # seconds to wait, where the tracker said so


class BadInput(ExalateError):
    """A person gave us something we cannot use; `field` names the input."""

    scope = "none"
    fix = "Correct the field that is named and send it again."


class NotUnderSync(BadInput):
    fix = "Put the issue under sync first."


class TrackerError(ExalateError):
    """A tracker refused or did not answer."""


class Unavailable(TrackerError):
    """Timeout, 5xx, dropped connection: the call may have had its effect."""

    retry, scope, in_doubt = True, "instance", True
    fix = "Check that the tracker is up and reachable from this machine; sync goes on by itself when it is."


class Unreachable(Unavailable):
    """The connection was never opened (refused, no such host): the call had no effect."""

    in_doubt = False
    fix = "Check the address of the instance and that this machine may reach it."


class AddressRefused(TrackerError):
    """The address guard forbids the host; nothing was sent."""

    scope = "instance"
    fix = "Ask the operator to add the tracker's network to ALLOWED_NETWORKS."


class RateLimited(Unavailable):
    in_doubt = False
    fix = "Nothing to do: the tracker asked us to wait."


class BadCredentials(TrackerError):
    scope = "instance"
    fix = "Enter new credentials for the proxy user on the instance's page and test the connection."


class Forbidden(TrackerError):
    fix = "Give the proxy user the permission that is named, then press Retry."


class NotFound(TrackerError):
    fix = "Check that the issue exists and that the proxy user may see it."


class Rejected(TrackerError):
    fix = "Correct the value or its mapping, then press Retry."


class Stale(TrackerError):
    retry = True
    fix = "Nothing to do: the issue changed meanwhile and is read again."


class Unsupported(TrackerError):
    fix = "This tracker cannot do that; switch the field off in the mapping."


class UnexpectedAnswer(TrackerError):
    retry, in_doubt = True, True
    fix = "Check that the address is the tracker's own and not a login page or a proxy."


class WebhookRefused(TrackerError):
    """A delivery with a missing or wrong signature, or a body that is not the vendor's shape."""

    scope = "none"
    fix = "Register the webhook again from the instance's page."


class PeerError(ExalateError):
    scope = "connection"


class PeerUnavailable(PeerError):
    retry = True
    fix = "Check that the partner's node is up and reachable."


class PeerRefused(PeerError):
    fix = "Compare versions and keys with the partner's admin."


class OutOfOrder(PeerError):
    retry, scope = True, "issue"
    fix = "Nothing to do: the missing delivery is asked for again."


class RulesError(ExalateError):
    fix = "Correct the sync rules of the connection, then press Retry."


class NotMapped(RulesError):
    """A value has no counterpart in the mapping table."""

    fix = "Add the value to the mapping table of the connection, then press Retry."


class DataError(ExalateError):
    """Our own stored state of one pair contradicts itself; other pairs go on."""

    fix = "Press Resync; if it comes back, unexalate and exalate the issue again."


class InvitationError(ExalateError):
    scope = "none"
    fix = "Ask the partner for a new invitation code."
