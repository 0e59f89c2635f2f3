"""Pictures of faces that people have judged: how engaged does the student look (1 to 3).

Layout of the labelled webcam pictures of Kamath et al. (WACV 2016) as this project keeps them: ``labels.csv`` with the
columns file, subject, label (1 disengaged, 2 partly, 3 engaged) beside ``images/FILE``; a folder or a .zip.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.protocols import FaceDetector
from engage.core.types import Box, Image
from engage.vision.crops import brightness, crop_square, cut_squares
from trainer.errors import DataError

LABEL_FILE, IMAGE_FOLDER = "labels.csv", "images"
LABELS = (1, 2, 3)
SHOWN_PX, BORDER = 320, 0.3
"""A picture is shown to the detector at about this size with its edge repeated around it, by this share of its side:
these faces fill their pictures, and YuNet finds 98 % of them so."""

_Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures in memory: ``N`` gray pictures of any size, whose they are, and what people said of them.

    ``subjects`` is ``(N,)`` of texts, ``labels`` ``(N,)`` int64 of 1 to 3.
    """

    images: Sequence[Image]
    subjects: NDArray[np.str_]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceCrops:
    """The faces of pictures as the network reads them.

    ``crops`` is ``(N, 48, 48)`` uint8, ``confidence`` ``(N,)`` the detector's, 0 where it found no face and the whole
    picture was taken; ``brightness`` ``(N,)`` 0-1.
    """

    crops: Image
    confidence: NDArray[np.float64]
    brightness: NDArray[np.float64]


def load_pictures(data: Path) -> Pictures:
    """Return the pictures of the folder or .zip ``data``.

    Raises:
        DataError: no such folder, label file or picture, or one that is not as the layout has it.
    """
    with _opened(data) as read:
        rows = _read_labels(read(LABEL_FILE), f"{data}/{LABEL_FILE}")
        images = [_decode(read(f"{IMAGE_FOLDER}/{name}"), f"{data}/{IMAGE_FOLDER}/{name}") for name, _, _ in rows]
    return Pictures(images, np.array([subject for _, subject, _ in rows]), np.array([label for *_, label in rows]))


def crop_pictures(
    pictures: Pictures, detector: FaceDetector | None, on_progress: Callable[[int, int], None] = lambda done, of: None
) -> FaceCrops:
    """Return each picture's face, found by ``detector`` and cropped as in the product.

    The whole picture is taken where no face is found, or everywhere without a detector.
    """
    crops, confidences, grays = [], [], []
    for done, image in enumerate(pictures.images, start=1):
        box, confidence = _find(image, detector)
        square = crop_square(box) if confidence else box
        crops.append(cut_squares(image, [square])[0])
        confidences.append(confidence)
        grays.append(brightness(image, box))
        on_progress(done, len(pictures.images))
    return FaceCrops(np.stack(crops), np.array(confidences), np.array(grays))


def _find(image: Image, detector: FaceDetector | None) -> tuple[Box, float]:
    """Return the likeliest face's box with its confidence, or the whole picture with 0."""
    height, width = image.shape[:2]
    if detector is not None:
        border = round(BORDER * max(height, width))
        framed = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        factor = SHOWN_PX / max(framed.shape[:2])
        shown = cv2.resize(framed, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        faces = detector.detect(np.asarray(shown, np.uint8))
        if faces:
            box, confidence = faces[0].box, faces[0].confidence
            return (
                Box(box.x / factor - border, box.y / factor - border, box.w / factor, box.h / factor),
                max(confidence, 1e-6),
            )
    side = min(height, width)
    return Box((width - side) / 2, (height - side) / 2, side, side), 0.0


@contextmanager
def _opened(data: Path) -> Iterator[_Reader]:
    wanted = f"{LABEL_FILE} (file, subject, label) beside {IMAGE_FOLDER}/"
    if data.is_dir():
        yield lambda name: _from_folder(data / name)
    elif data.is_file():
        try:
            archive = zipfile.ZipFile(data)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(
                f"cannot read {data} as a .zip: {error}; give the unzipped folder or a whole file"
            ) from None
        with archive:
            yield lambda name: _from_archive(archive, name, data)
    else:
        raise DataError(f"no data at {data}; give a folder or .zip with {wanted}")


def _from_folder(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); it must hold labelled pictures") from None


def _from_archive(archive: zipfile.ZipFile, member: str, data: Path) -> bytes:
    try:
        return archive.read(member)
    except KeyError:
        raise DataError(f"{member} is missing in {data}; it must hold labelled pictures") from None
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{member} in {data} is damaged: {error}; take the archive again") from None


def _read_labels(content: bytes, where: str) -> list[tuple[str, str, int]]:
    try:
        lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        rows = [(line["file"], line["subject"], line["label"]) for line in lines]
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(f"{where} is not a table with the columns file, subject, label ({error})") from None
    for number, (name, _, label) in enumerate(rows, start=2):
        if label not in map(str, LABELS) or not name or "/" in name or "\\" in name:
            raise DataError(f"{where} line {number}: wanted a file name, a subject and a label of 1, 2 or 3")
    if not rows:
        raise DataError(f"{where} is empty; it must name labelled pictures")
    return [(name, subject, int(label)) for name, subject, label in rows]


def _decode(content: bytes, where: str) -> Image:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    if image is None:
        raise DataError(f"{where} is not a picture; take the data again")
    return np.asarray(image, np.uint8)
