"""Every error this program raises on purpose.

::

    EngageError            one clear line: what failed, where, what to do about it
    ├── SettingsError      a setting is unknown, of the wrong type or out of range
    ├── ModelError         a model file or its card is missing, damaged or of another schema
    ├── SourceError        a camera, stream or file cannot be opened or read
    │   ├── SourceLost     it was there and is gone: the worker reconnects
    │   └── SourceEnded    it is over: the last frame of a file was read
    ├── StorageError       the database cannot be opened, written or is of another schema
    ├── PolicyError        something may not be inferred here
    ├── DeliveryError      a message to a person's channel was not taken; it is tried again
    │   └── DeliveryRefused  and never will be: its address may not, or cannot, be used
    ├── ChannelError       a channel between two workers cannot be opened
    └── RequestError       a page or API call asks for something impossible

A command shows ``str(error)`` and exits with 2; workers log it and carry on or restart.
"""

from __future__ import annotations


class EngageError(Exception):
    """The base of all errors raised on purpose; its text is one line for a person."""


class SettingsError(EngageError):
    """A setting is unknown, of the wrong type or out of range."""


class ModelError(EngageError):
    """A model file or its card is missing, damaged or of another schema."""


class SourceError(EngageError):
    """A camera, stream or file cannot be opened or read."""


class SourceLost(SourceError):
    """A source that was there is gone; opening it again may help."""


class SourceEnded(SourceError):
    """A source has no more frames."""


class StorageError(EngageError):
    """The database cannot be opened or written, or is of another schema."""


class PolicyError(EngageError):
    """Something may not be inferred, or not about this person."""


class DeliveryError(EngageError):
    """A message was not taken by the channel it was for; trying again may help."""


class DeliveryRefused(DeliveryError):
    """A channel's address may not, or cannot, be used."""


class ChannelError(EngageError):
    """A channel between two workers cannot be opened."""


class RequestError(EngageError):
    """A page or API call asks for something impossible."""
