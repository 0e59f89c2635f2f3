"""Who a virtual student is: an invented appearance that follows from a seed. Nobody is depicted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engage.capture.virtual.geometry import HeadShape

Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""

_SKIN_RGB = (
    (250, 221, 204),
    (242, 205, 181),
    (231, 188, 156),
    (214, 166, 128),
    (192, 142, 104),
    (163, 114, 81),
    (134, 91, 65),
    (110, 75, 55),
    (92, 63, 49),
)
_HAIR_RGB = {
    "black": (34, 30, 32),
    "espresso": (52, 38, 33),
    "brown": (84, 58, 42),
    "chestnut": (112, 72, 46),
    "auburn": (124, 62, 38),
    "ginger": (178, 92, 44),
    "dark blond": (148, 116, 74),
    "blond": (202, 166, 108),
    "silver": (168, 166, 166),
    "teal": (48, 112, 120),
    "plum": (110, 52, 92),
}
_EYE_RGB = ((70, 44, 28), (92, 60, 34), (110, 92, 44), (84, 110, 74), (92, 124, 146), (110, 118, 124))
_CLOTH_RGB = (
    (58, 84, 128),
    (166, 70, 62),
    (64, 116, 96),
    (214, 174, 84),
    (92, 74, 118),
    (52, 58, 68),
    (198, 196, 190),
    (190, 120, 132),
    (86, 138, 160),
    (128, 104, 82),
    (224, 128, 84),
    (44, 70, 66),
)
_WALL_RGB = (
    (206, 214, 216),
    (222, 212, 196),
    (196, 210, 200),
    (214, 204, 212),
    (186, 200, 214),
    (226, 220, 208),
    (176, 188, 186),
    (218, 200, 186),
)


class HairStyle(StrEnum):
    """How the hair is worn."""

    BUZZ = "buzz"
    CROP = "crop"
    SIDE_PART = "side part"
    CURLS = "curls"
    AFRO = "afro"
    FRINGE_BOB = "fringe bob"
    BOB = "bob"
    LONG = "long"
    WAVY = "wavy"
    BUN = "bun"
    PONYTAIL = "ponytail"
    RECEDING = "receding"
    BALD = "bald"
    HEADSCARF = "headscarf"


class Beard(StrEnum):
    """What grows on the lower face."""

    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    FULL = "full"


_SHORT = (
    (HairStyle.CROP, 4),
    (HairStyle.SIDE_PART, 4),
    (HairStyle.CURLS, 3),
    (HairStyle.BUZZ, 2),
    (HairStyle.AFRO, 1),
    (HairStyle.RECEDING, 0.4),
    (HairStyle.BALD, 0.3),
    (HairStyle.WAVY, 0.5),
    (HairStyle.BUN, 0.4),
)
_LONG = (
    (HairStyle.LONG, 4),
    (HairStyle.WAVY, 3),
    (HairStyle.BOB, 2),
    (HairStyle.FRINGE_BOB, 2),
    (HairStyle.BUN, 2),
    (HairStyle.PONYTAIL, 3),
    (HairStyle.AFRO, 1.5),
    (HairStyle.CURLS, 1),
    (HairStyle.HEADSCARF, 2),
    (HairStyle.CROP, 0.7),
)


@dataclass(frozen=True, slots=True)
class Features:
    """Sizes of eyes, brows and mouth. Lengths in head units, the rest factors about 1."""

    eye_x: float = 0.42
    eye_width: float = 0.215
    eye_height: float = 1.0
    eye_tilt: float = 0.0
    crease: float = 1.0
    brow_thickness: float = 1.0
    brow_arch: float = 1.0
    brow_y: float = -0.31
    mouth_width: float = 0.36
    mouth_y: float = 0.985
    lip: float = 1.0
    lashes: float = 0.5


@dataclass(frozen=True, slots=True)
class Person:
    """One invented student. Colours are BGR 0-255."""

    seed: int
    skin: Colour
    hair: Colour
    cloth: Colour
    cloth_trim: Colour
    iris: Colour
    lips: Colour
    wall: Colour
    shape: HeadShape
    features: Features
    style: HairStyle
    beard: Beard
    glasses: str
    """Frame shape: "", "round" or "square"."""
    earrings: bool
    freckles: float
    part: float
    """Side of the parting and sweep of the hair, -1 to 1."""
    garment: str
    backdrop: str
    light_side: float
    """Where the key light stands, -1 image left to 1 right."""

    @classmethod
    def from_seed(cls, seed: int) -> Person:
        """Return the person of ``seed``; the same seed gives the same person on every machine."""
        rng = np.random.default_rng([seed, 0x9E37])
        soft = bool(rng.random() < 0.5)
        skin, depth = _skin(rng)
        hair = _hair(rng, depth)
        style = _pick(rng, _LONG if soft else _SHORT)
        cloth = _bgr(_CLOTH_RGB[rng.integers(len(_CLOTH_RGB))])
        dark_eyes = rng.random() < 0.35 + 0.75 * depth
        lips = _mix(skin, (86.0, 74.0, 172.0), (0.44 if soft else 0.26) - 0.10 * depth)
        return cls(
            seed=seed,
            skin=skin,
            hair=hair,
            cloth=cloth,
            cloth_trim=_bgr(_CLOTH_RGB[rng.integers(len(_CLOTH_RGB))]),
            iris=_bgr(_EYE_RGB[rng.integers(2) if dark_eyes else rng.integers(1, len(_EYE_RGB))]),
            lips=_mix(lips, (40.0, 30.0, 60.0), 0.12 + 0.1 * depth),
            wall=_bgr(_WALL_RGB[rng.integers(len(_WALL_RGB))]),
            shape=_shape(rng, soft),
            features=_features(rng, soft),
            style=style,
            beard=Beard.NONE if soft else _pick_beard(rng),
            glasses=str(rng.choice(["", "", "", "round", "square"])),
            earrings=bool(soft and rng.random() < 0.5 and style is not HairStyle.HEADSCARF),
            freckles=float(max(0.0, rng.normal(-0.4, 0.6))) if depth < 0.35 else 0.0,
            part=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.0)),
            garment=str(rng.choice(["tee", "crew", "hoodie", "shirt", "cardigan", "stripes"])),
            backdrop=str(rng.choice(["wall", "shelf", "window", "plant", "frames", "board"])),
            light_side=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.35, 0.8)),
        )


def _bgr(rgb: tuple[int, int, int]) -> Colour:
    return float(rgb[2]), float(rgb[1]), float(rgb[0])


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    blue, green, red = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return blue, green, red


def _skin(rng: np.random.Generator) -> tuple[Colour, float]:
    """Return a tone and its depth 0-1, evenly over the human range."""
    depth = float(rng.random())
    place = depth * (len(_SKIN_RGB) - 1)
    low = min(int(place), len(_SKIN_RGB) - 2)
    tone = _mix(_bgr(_SKIN_RGB[low]), _bgr(_SKIN_RGB[low + 1]), place - low)
    warm = rng.normal(0.0, 4.0)
    return (tone[0] - warm, tone[1], tone[2] + warm * 0.5), depth


def _hair(rng: np.random.Generator, depth: float) -> Colour:
    names = list(_HAIR_RGB)
    light = 1.0 - depth
    weight = [2 + 4 * depth, 2.5, 2 * light + 0.6, 1.6 * light + 0.1, light, light, 1.5 * light, 1.6 * light**2]
    weight += [0.35, 0.12, 0.12]
    chosen = rng.choice(names, p=np.array(weight) / np.sum(weight))
    return _bgr(_HAIR_RGB[str(chosen)])


def _pick(rng: np.random.Generator, table: tuple[tuple[HairStyle, float], ...]) -> HairStyle:
    weight = np.array([share for _, share in table])
    return table[int(rng.choice(len(table), p=weight / weight.sum()))][0]


def _pick_beard(rng: np.random.Generator) -> Beard:
    kinds = (Beard.NONE, Beard.STUBBLE, Beard.MOUSTACHE, Beard.GOATEE, Beard.FULL)
    return kinds[int(rng.choice(5, p=[0.55, 0.2, 0.05, 0.06, 0.14]))]


def _shape(rng: np.random.Generator, soft: bool) -> HeadShape:
    return HeadShape(
        width=float(rng.uniform(0.95, 1.05)),
        height=float(rng.uniform(1.37, 1.47) - 0.03 * soft),
        jaw=float(np.clip(rng.normal(-0.35 if soft else 0.25, 0.35), -1, 1)),
        nose_length=float(rng.uniform(0.52, 0.61)),
        nose_width=float(rng.uniform(0.85, 1.3)),
        nose_height=float(rng.uniform(0.15, 0.22)),
        cheeks=float(rng.uniform(0.6, 1.5)),
    )


def _features(rng: np.random.Generator, soft: bool) -> Features:
    return Features(
        eye_x=float(rng.uniform(0.40, 0.44)),
        eye_width=float(rng.uniform(0.232, 0.252) + 0.010 * soft),
        eye_height=float(rng.uniform(0.82, 1.05) + 0.05 * soft),
        eye_tilt=float(rng.normal(0.02, 0.035)),
        crease=float(rng.choice([0.15, 1.0, 1.0])),
        brow_thickness=float(rng.uniform(0.7, 1.1) if soft else rng.uniform(1.0, 1.6)),
        brow_arch=float(rng.uniform(0.7, 1.4) if soft else rng.uniform(0.4, 1.0)),
        brow_y=float(rng.uniform(-0.355, -0.315)),
        mouth_width=float(rng.uniform(0.32, 0.39)),
        mouth_y=float(rng.uniform(0.88, 0.93)),
        lip=float(rng.uniform(0.85, 1.35) if soft else rng.uniform(0.65, 1.15)),
        lashes=float(rng.uniform(0.6, 1.0) if soft else rng.uniform(0.1, 0.4)),
    )
