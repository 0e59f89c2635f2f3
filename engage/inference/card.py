"""Model cards: what a program must know about a set of weights before it may use them.

A model is a folder ``models/NAME`` with ``card.toml`` (this module), the weights it names, and ``card.md`` for people.
Labels, preprocessing, calibration and the checksum are read from the card and from nowhere else.
"""

from __future__ import annotations

import hashlib
import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import engage
from engage.core.types import CROP_SIZE_PX, EMOTIONS
from engage.errors import ModelError

DEFAULT_MODEL = "classroom-resnet18"
CARD_FILE = "card.toml"
SCHEMA = 1
REMEDY = "take the folder from the repository again, or export the model again with `trainer export`"


@dataclass(frozen=True, slots=True)
class Card:
    """The card of one model.

    A crop, gray 0-255 and ``input_px`` square, becomes the network's input by ``(crop / 255 - mean) / std``;
    probabilities are ``softmax(logits / temperature)`` in the order of ``labels``.
    """

    name: str
    version: str
    architecture: str
    labels: tuple[str, ...]
    input_px: int
    colour: str
    mean: float
    std: float
    temperature: float
    unknown_below: float
    """Below this top probability the answer is better called unknown; chosen on the validation split."""
    weights: str
    """File name in the card's folder, safetensors."""
    sha256: str
    dtype: str
    """How the weights are stored; they are computed with in float32."""
    trained_on: tuple[str, ...]
    """Splits the weights have learnt from: no figure on these means anything."""
    selected_on: tuple[str, ...]
    """Splits that chose among settings, the temperature or ``unknown_below``."""
    licence: str
    teachers: tuple[str, ...] = field(default_factory=tuple)
    """Models whose answers the weights have learnt from, besides people's votes."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Measured figures by name, for example ``FER2013Valid.accuracy``, 0-1."""


def default_folder() -> Path:
    """Return where the product's own model lies: beside the package in a checkout, else where it was installed."""
    checkout = Path(engage.__file__).parents[1] / "models" / DEFAULT_MODEL
    installed = Path(sys.prefix) / "share" / "engage" / "models" / DEFAULT_MODEL
    return installed if installed.is_dir() and not checkout.is_dir() else checkout


def load_card(folder: Path) -> Card:
    """Return the card of the model in ``folder``.

    Raises:
        ModelError: no folder or card, not TOML, an unknown schema or key, a value that is missing, of the wrong type or
            out of range.
    """
    path = folder / CARD_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"There is no model card {path}; give a folder like models/NAME, or {REMEDY}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"The model card {path} cannot be read ({error}); {REMEDY}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"The model card {path} is not valid TOML ({error}); {REMEDY}.") from None
    schema = values.pop("schema", None)
    if schema != SCHEMA:
        raise ModelError(
            f"The model card {path} has schema {schema!r}, this program reads {SCHEMA}; update the program or {REMEDY}."
        )
    card = _to_card(values, path)
    for problem in _problems(card):
        raise ModelError(f"The model card {path}: {problem}; {REMEDY}.")
    return card


def read_weights(folder: Path, card: Card) -> bytes:
    """Return the content of the card's weights file; raises ModelError if it is missing or its checksum is wrong."""
    path = folder / card.weights
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"The weights {path} are missing; {REMEDY}.") from None
    except OSError as error:
        raise ModelError(f"The weights {path} cannot be read ({error.strerror}); {REMEDY}.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"The weights {path} do not match their card (sha256 {found[:12]}…, wanted {card.sha256[:12]}…): the file "
            f"is damaged or of another version; {REMEDY}."
        )
    return content


def _to_card(values: dict[str, Any], path: Path) -> Card:
    known = {spec.name: spec for spec in fields(Card)}
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise ModelError(f"The model card {path} has an unknown key '{unknown[0]}'; remove it or {REMEDY}.")
    typed: dict[str, Any] = {}
    for name, spec in known.items():
        if name in values:
            typed[name] = _typed(values[name], str(spec.type), f"The model card {path}: '{name}'")
        elif spec.default_factory is MISSING:
            raise ModelError(f"The model card {path} lacks '{name}'; {REMEDY}.")
    return Card(**typed)


def _typed(value: Any, wanted: str, where: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if wanted == "str" and isinstance(value, str):
        return value
    if wanted == "int" and isinstance(value, int) and number:
        return value
    if wanted == "float" and number:
        return float(value)
    if wanted == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if wanted == "Mapping[str, float]" and isinstance(value, dict):
        return {key: _typed(item, "float", f"{where}, '{key}'") for key, item in value.items()}
    raise ModelError(f"{where} should be {_PLAIN[wanted]}, got {value!r}; {REMEDY}.")


_PLAIN = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": "a list of texts",
    "Mapping[str, float]": "a table of numbers",
}


def _problems(card: Card) -> list[str]:
    checks = {
        f"the labels must be {', '.join(EMOTIONS)} in this order": card.labels == EMOTIONS,
        f"the input must be {CROP_SIZE_PX} px, the size of a crop": card.input_px == CROP_SIZE_PX,
        "the colour must be 'gray'": card.colour == "gray",
        "std and temperature must be above 0": card.std > 0 and card.temperature > 0,
        "unknown_below must lie between 0 and 1": 0 <= card.unknown_below <= 1,
        "weights must be a file name without folders": Path(card.weights).name == card.weights != "",
        "sha256 must be 64 hexadecimal digits": len(card.sha256) == 64 and set(card.sha256) <= set("0123456789abcdef"),
        "dtype must be float16 or float32": card.dtype in ("float16", "float32"),
    }
    return [problem for problem, holds in checks.items() if not holds]
