"""The model store: where public model files lie, whether they are the right ones, and how to get them.

A file counts only if its SHA-256 is the registered one. The store's own folder is looked in first, then the further
folders of the settings, into which nothing is written.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from engage.config import Settings
from engage.errors import ModelError
from engage.vision.detectors.haar import cascade_path
from engage.vision.download import Progress, download

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A public model file: what it is called, where it comes from and how to know it."""

    name: str
    purpose: str
    licence: str
    filename: str
    url: str = ""
    """Empty for what comes with an installed package."""
    sha256: str = ""
    size: int = 0
    """Bytes."""
    without: str = ""
    """What still works without it."""
    bundled: Path | None = None
    """Where an installed package keeps it."""
    optional: bool = False
    """Fetched only where asked for by name."""


class FileState(StrEnum):
    """How a model file was found."""

    PRESENT = "present"
    MISSING = "missing"
    DAMAGED = "damaged"
    BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A model file, its state and where it is (for a missing one, where it would go)."""

    file: ModelFile
    state: FileState
    path: Path


YUNET = "yunet"
HAAR = "haar"
HANDS = "hands"

PUBLIC_FILES = (
    ModelFile(
        name=YUNET,
        purpose="finds faces and five landmarks",
        licence="Apache-2.0 and BSD-3-Clause (Shiqi Yu, libfacedetection.train)",
        filename="yunet_n_640_640.onnx",
        url="https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
        "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_640_640.onnx",
        sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
        size=317_466,
        without="Faces are found with OpenCV's Haar cascade meanwhile, less reliably and without head pose.",
    ),
    ModelFile(
        name=HAAR,
        purpose="finds frontal faces, slower and without landmarks",
        licence="Intel open source licence (OpenCV)",
        filename=cascade_path().name,
        bundled=cascade_path(),
    ),
    ModelFile(
        name=HANDS,
        purpose="finds hands, for vision.hands; needs the extra 'gestures'",
        licence="Apache-2.0 (Google, MediaPipe)",
        filename="hand_landmarker.task",
        url="https://storage.googleapis.com/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/"
        "hand_landmarker.task",
        sha256="fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
        size=7_819_105,
        without="Everything but raised hands and hands at the face works without it.",
        optional=True,
    ),
)


class ModelStore:
    """Finds, checks and fetches the files of ``files``; ``folder`` is its own, ``folders`` are read only."""

    def __init__(self, folder: Path, folders: Sequence[Path] = (), files: Sequence[ModelFile] = PUBLIC_FILES) -> None:
        """Remember where to look; nothing is opened yet."""
        self.folder = folder
        self._folders = (folder, *folders)
        self._files = {file.name: file for file in files}

    @classmethod
    def from_settings(cls, settings: Settings) -> ModelStore:
        """Return the store that ``settings.models`` describes."""
        return cls(settings.path(settings.models.store), [settings.path(path) for path in settings.models.folders])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all registered files."""
        return tuple(self._files)

    @property
    def usual_names(self) -> tuple[str, ...]:
        """Return the names of the files that are fetched without being asked for by name."""
        return tuple(name for name, file in self._files.items() if not file.optional)

    def find(self, name: str) -> Path | None:
        """Return where the verified file ``name`` lies, or None when it is missing or damaged."""
        stored = self.look_up(name)
        if stored.state is FileState.DAMAGED:
            logger.warning("model file damaged name=%s path=%s", name, stored.path)
        return stored.path if stored.state in (FileState.PRESENT, FileState.BUNDLED) else None

    def need(self, name: str) -> Path:
        """Return where the verified file ``name`` lies; raises ModelError when it is missing or damaged."""
        stored = self.look_up(name)
        if stored.state is FileState.DAMAGED:
            raise ModelError(f"{stored.path} is damaged (wrong SHA-256); 'engage models fetch {name}' replaces it.")
        if stored.state is FileState.MISSING:
            raise ModelError(f"The model file '{name}' is not at hand; 'engage models fetch {name}' brings it.")
        return stored.path

    def look_up(self, name: str) -> StoredFile:
        """Return the state of the file ``name``; a good copy in any folder outweighs damaged ones."""
        file = self._file(name)
        if file.bundled is not None:
            state = FileState.BUNDLED if file.bundled.is_file() else FileState.MISSING
            return StoredFile(file, state, file.bundled)
        damaged = None
        for folder in self._folders:
            path = folder / file.filename
            if path.is_file():
                if _is(path, file):
                    return StoredFile(file, FileState.PRESENT, path)
                damaged = damaged or path
        if damaged is not None:
            return StoredFile(file, FileState.DAMAGED, damaged)
        return StoredFile(file, FileState.MISSING, self.folder / file.filename)

    def contents(self) -> list[StoredFile]:
        """Return the state of every registered file."""
        return [self.look_up(name) for name in self._files]

    def verify(self) -> list[StoredFile]:
        """Return the state of every registered file, read anew from disk."""
        _digest.cache_clear()
        return self.contents()

    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """Return where the verified file ``name`` lies, after downloading it where it is missing or damaged.

        A broken download is continued by the next call. Raises ModelError, in one line that says what still works and
        how to bring the file by hand, when it cannot be fetched.
        """
        stored = self.look_up(name)
        if stored.state in (FileState.PRESENT, FileState.BUNDLED):
            return stored.path
        file = stored.file
        if file.bundled is not None:
            raise ModelError(f"{stored.path} is missing; install opencv-python-headless again.")
        target = self.folder / file.filename
        try:
            download(file.url, target, file.sha256, file.size, progress)
        except ModelError as error:
            raise ModelError(f"{error} {file.without} {self._by_hand(file)}".replace("  ", " ")) from None
        return target

    def _by_hand(self, file: ModelFile) -> str:
        return (
            f"To bring it by hand, download {file.url} and put it into {self.folder}, or into a folder named in "
            "models.folders."
        )

    def _file(self, name: str) -> ModelFile:
        try:
            return self._files[name]
        except KeyError:
            raise ModelError(f"There is no model file '{name}'; there are {', '.join(self._files)}.") from None


def _is(path: Path, file: ModelFile) -> bool:
    try:
        status = path.stat()
        return status.st_size == file.size and _digest(path, status.st_size, status.st_mtime_ns) == file.sha256
    except OSError:
        logger.warning("model file unreadable path=%s", path)
        return False


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    """Return the SHA-256 of ``path``; size and time only make a changed file a new question."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
