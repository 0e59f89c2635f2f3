"""What one system came to: figures, answers and learning curve, in files that a later comparison reads again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.checkpoint import EpochRecord
from trainer.errors import TrainerError

RESULT_FILE, ANSWERS_FILE = "result.json", "answers.npz"


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one trained system; shares are 0-1, rows of ``confusion`` are the true classes."""

    system: str
    fingerprint: str
    """Of the config and the data: another one means that the system must be trained again."""
    train_accuracy: float
    valid_accuracy: float
    macro_f1: float
    macro_recall: float
    parameters: int
    train_s: float
    n_train: int
    n_valid: int
    confusion: list[list[int]]
    config: dict[str, Any]
    answers: tuple[int, ...] = ()
    """Class numbers answered for the validation images, for paired tests."""
    history: tuple[EpochRecord, ...] = field(default=())
    """Of networks, per epoch."""

    def save(self, folder: Path) -> None:
        """Write ``result.json`` and ``answers.npz``; raises TrainerError when the folder cannot be written."""
        values = asdict(self)
        answers = np.array(values.pop("answers"), np.uint8)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(folder / ANSWERS_FILE, answers=answers)
            new = folder / f"{RESULT_FILE}.new"
            new.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
            new.replace(folder / RESULT_FILE)
        except OSError as error:
            raise TrainerError(f"cannot write to {folder}: {error}; free some space or give another --out") from error


def load_result(folder: Path) -> Result | None:
    """Return the result in ``folder``, or None where there is none; raises TrainerError for a damaged one."""
    try:
        values = json.loads((folder / RESULT_FILE).read_text("utf-8"))
        with np.load(folder / ANSWERS_FILE) as file:
            answers = tuple(int(answer) for answer in file["answers"])
        history = tuple(EpochRecord(**record) for record in values.pop("history"))
        return Result(**{**values, "answers": answers, "history": history})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainerError(f"the result in {folder} is damaged ({error}); delete the folder and run again") from error
