"""Pictures that somebody uploads: told by their content, refused by their header, decoded in memory and small."""

from __future__ import annotations

import io
import warnings

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from engage.capture.pictures import upright_bgr
from engage.core.types import Image
from engage.errors import SourceError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000
"""What the largest telephones take. Above it a picture is refused by its header, before anything is unpacked."""
WORKING_PX = 2560
"""Longer side at which a picture is looked at; a JPEG is unpacked no larger than needed for it."""


def read_upload(data: bytes) -> Image:
    """Return an uploaded picture as ``(H, W, 3)`` uint8 BGR, upright, its longer side ``WORKING_PX`` at most.

    What else the file says (EXIF, comments) is not returned. Raises SourceError, one line without anything of the file:
    no JPEG, PNG or WebP by its content, moving, above ``MAX_PIXELS``, damaged, cut off.
    """
    try:
        with warnings.catch_warnings():  # sizes are checked here, and damaged EXIF data is no reason to refuse
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as image:
                _check(image)
                image.draft("RGB", (WORKING_PX, WORKING_PX))
                image.thumbnail((WORKING_PX, WORKING_PX), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
                return upright_bgr(image)
    except UnidentifiedImageError:
        raise SourceError("This is not a picture that can be read here; send a JPEG, PNG or WebP file.") from None
    except Pillow.DecompressionBombError:
        raise SourceError(_too_large()) from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, OverflowError, TypeError) as error:
        reason = "cut off" if "truncated" in str(error) else "damaged"
        raise SourceError(f"This picture is {reason} and cannot be read.") from None


def _check(image: Pillow.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise SourceError(_too_large())
    if getattr(image, "is_animated", False) and image.format != "MPO":  # a JPEG of a telephone with a second picture
        raise SourceError("This picture moves; send one that stands still, or use the camera.")


def _too_large() -> str:
    return f"This picture is too large; scale it below {MAX_PIXELS // 1_000_000} million pixels."
