"""Telling people outside the pages: messages, the channels they go through, and the dispatcher that drives them."""

from engage.alerts.dispatch import Dispatcher, Timing
from engage.alerts.registry import build_senders

__all__ = ["Dispatcher", "Timing", "build_senders"]
