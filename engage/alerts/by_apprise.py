"""E-mail, Slack, Teams and other services through Apprise (BSD-2): one message for all that is due on a channel."""

from __future__ import annotations

from engage.alerts.hosts import addresses_of
from engage.alerts.messages import body, subject
from engage.core.notices import APPRISE_SERVICES, Delivery, Parcel
from engage.errors import DeliveryError, DeliveryRefused

OWN_SERVER = frozenset({"NotifyEmail", "NotifyGotify", "NotifyMattermost", "NotifyRocketChat", "NotifyWorkflows"})
"""Apprise's services whose address names a server; ntfy may."""
CONNECT_S, READ_S = 5.0, 10.0


class AppriseSender:
    """Sends through one service. Apprise says only whether it worked; its own log says more."""

    together = True

    def __init__(self, base_url: str, allow_private: bool) -> None:
        """Link to pages at ``base_url``; servers at private addresses only with ``allow_private``."""
        self._base_url = base_url
        self._allow_private = allow_private

    def send(self, delivery: Delivery, parcels: tuple[Parcel, ...]) -> None:
        """Send one message about ``parcels``; DeliveryError with a line for the page where it is not taken."""
        import apprise  # takes a second, and most installations never need it

        scheme = delivery.address.partition(":")[0].lower()
        service = apprise.Apprise.instantiate(delivery.address) if scheme in APPRISE_SERVICES else None
        if service is None:
            raise DeliveryRefused("The address is none that Apprise understands; give it again.")
        own = type(service).__name__ in OWN_SERVER or getattr(service, "mode", None) == "private"
        host = getattr(service, "smtp_host", None) or service.host
        if own and host:
            addresses_of(host, service.port or 443, self._allow_private)
        service.redirects = False  # they could lead anywhere
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_S, READ_S
        messenger = apprise.Apprise()
        messenger.add(service)
        text = body(parcels, self._base_url)
        if not messenger.notify(body=text, title=subject(parcels), body_format=apprise.NotifyFormat.TEXT):
            raise DeliveryError(f"{APPRISE_SERVICES[scheme]} did not take the message; check the address.")
