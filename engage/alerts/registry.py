"""Which sender serves which kind of channel."""

from __future__ import annotations

from engage.alerts.by_apprise import AppriseSender
from engage.alerts.dispatch import Sender
from engage.alerts.letters import LetterSender
from engage.alerts.webhook import WebhookSender
from engage.config import Settings
from engage.core.notices import Service
from engage.core.protocols import Clock


def build_senders(settings: Settings, clock: Clock) -> dict[Service, Sender]:
    """Return a sender for every kind of channel."""
    allow_private = settings.notifications.allow_private_addresses
    return {
        Service.APPRISE: AppriseSender(settings.address, allow_private),
        Service.WEBHOOK: WebhookSender(settings.address, clock, allow_private),
        Service.LETTER: LetterSender(settings.address, settings.sign_in.mail),
    }
