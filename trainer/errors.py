"""Errors of the trainer, all one line for the user.

EngageError
└── TrainerError
    └── DataError   the data folder, archive or split is not as the FER+ layout has it
"""

from __future__ import annotations

from engage.errors import EngageError


class TrainerError(EngageError):
    """Training, evaluation or export cannot go on; the message says what to do."""


class DataError(TrainerError):
    """The data is not as the FER+ layout has it; the message names the file."""
