"""Scoring settings as files: ``scoring:`` in YAML, as ``config.yaml`` has it, found by path or by name.

A name is looked for in this installation's ``var/scoring/``, then among those that ship with the program
(``models/scoring/``); ``default`` is the program's own numbers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import engage
from engage.config import Settings
from engage.core.scoring_settings import ScoringSettings
from engage.errors import SettingsError
from engage.section import Section

OWN_FOLDER = Path("var/scoring")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class _File(Section):
    """What a file holds; an unknown key is an error, as in ``config.yaml``."""

    scoring: ScoringSettings


def find_scoring(name_or_file: str, settings: Settings) -> ScoringSettings | None:
    """Return the settings in a file, or those of this name; None where there is neither.

    Raises SettingsError, with one line, for a file that holds no scoring settings.
    """
    if name_or_file == "default":
        return ScoringSettings()
    if Path(name_or_file).is_file():
        return read_scoring(Path(name_or_file))
    if NAME.fullmatch(name_or_file):
        for folder in (settings.path(OWN_FOLDER), _shipped()):
            file = folder / f"{name_or_file}.yaml"
            if file.is_file():
                return read_scoring(file)
    return None


def read_scoring(file: Path) -> ScoringSettings:
    """Return the ``scoring:`` section of a YAML file; SettingsError, with one line, where it is not one."""
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read ({error}).") from None
    except yaml.YAMLError:
        raise SettingsError(f"{file} is not valid YAML; check colons and indentation.") from None
    if not isinstance(content, dict) or not isinstance(content.get("scoring"), dict):
        raise SettingsError(f"{file} must hold a section 'scoring:' with settings below it.")
    return to_scoring(content["scoring"], str(file))


def to_scoring(values: Mapping[str, Any], where: str) -> ScoringSettings:
    """Return settings from plain values; SettingsError, naming the first wrong one, where they are not that."""
    try:
        return _File.model_validate({"scoring": dict(values)}).scoring
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            raise SettingsError(f"Unknown setting '{name}' in {where}; 'engage config' lists them all.") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"Setting '{name}' in {where}: {reason[:1].lower()}{reason[1:]}.") from None


def write_scoring(scoring: ScoringSettings, file: Path, comment: str) -> None:
    """Write settings as a file of their own, ``comment`` (plain lines) above them; SettingsError where one is there."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    text = lines + yaml.safe_dump({"scoring": asdict(scoring)}, sort_keys=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise SettingsError(f"{file} is there already, and nothing is overwritten; give another name.") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be written ({error.strerror}).") from None


def _shipped() -> Path:
    checkout = Path(engage.__file__).parents[1] / "models" / "scoring"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "engage" / "models" / "scoring"
