"""The systems of the paper's comparison, in its order, each with the figure the paper gives for it.

The paper measured its classical systems and its CNN on FER2013's own seven labels, one per picture, and only its
ResNet18s on FER+. Here every system learns and answers FER+'s eight classes under the majority rule, so the two columns
of the table answer different questions where the label sets differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainer.errors import TrainerError
from trainer.recipe import Augmentation, Recipe
from trainer.systems.classical import ClassicalConfig

FER2013, FERPLUS = "FER2013", "FER+"


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """The accuracy the paper gives, 0-1, and the labels it was measured on."""

    accuracy: float
    labels: str


@dataclass(frozen=True, slots=True)
class System:
    """One row of the comparison.

    ``config`` is a classical system, or the recipe of a network. With ``features_of`` the classical system reads the
    features that the network of that name has learnt.
    """

    name: str
    title: str
    config: ClassicalConfig | Recipe
    paper: PaperFigure | None = None
    features_of: str | None = None


_NOTHING = Augmentation(flip=0, rotate_deg=0, scale=0, shift=0, brightness=0, contrast=0, erase=0)
_FLIPS = replace(_NOTHING, flip=0.5, rotate_deg=10.0, shift=0.05)
_PLAIN = Recipe(
    targets="majority",
    epochs=15,
    weight_decay=0.0,
    ema=0.0,
    sizes=((0.0, 48),),
    augmentation=_FLIPS,
)
"""What the paper's networks have in common: one label per picture, flips and small shifts, AdamW, no averaging."""
_DENSE = replace(
    _PLAIN, architecture="resnet18-dense", weight_decay=0.05, dropout=0.3, augmentation=replace(_FLIPS, erase=0.5)
)

SYSTEMS = (
    System("qda", "QDA", ClassicalConfig("qda", side_px=24, shrinkage=0.05), PaperFigure(0.3834, FER2013)),
    System("pca-qda", "PCA + QDA", ClassicalConfig("qda", components=100, shrinkage=0.1), PaperFigure(0.4180, FER2013)),
    System(
        "pca-forest",
        "PCA + random forest",
        ClassicalConfig("forest", components=100, trees=200),
        PaperFigure(0.4106, FER2013),
    ),
    System("tree", "decision tree", ClassicalConfig("tree"), PaperFigure(0.3063, FER2013)),
    System("bagging", "bagging of trees", ClassicalConfig("bagging", trees=30), PaperFigure(0.3559, FER2013)),
    System("cnn", "CNN", replace(_PLAIN, architecture="cnn"), PaperFigure(0.6515, FER2013)),
    System("cnn-lstm", "CNN + LSTM", replace(_PLAIN, architecture="cnn-lstm")),
    System("cnn-lstm-svm", "CNN + LSTM, SVM head", ClassicalConfig("svm"), features_of="cnn-lstm"),
    System(
        "resnet18-erasing",
        "ResNet18, random erasing",
        replace(_PLAIN, augmentation=replace(_FLIPS, erase=0.5)),
        PaperFigure(0.7456, FERPLUS),
    ),
    System("resnet18-initial", "ResNet18, no erasing", _PLAIN, PaperFigure(0.7512, FERPLUS)),
    System("resnet18-dense", "denser ResNet18, L2", _DENSE, PaperFigure(0.7972, FERPLUS)),
    System(
        "resnet18-dense-long",
        "denser ResNet18, L2, more epochs",
        replace(_DENSE, epochs=45),
        PaperFigure(0.7828, FERPLUS),
    ),
)


def find_systems(names: str | None) -> tuple[System, ...]:
    """Return the systems named in ``names``, separated by commas, in the paper's order; all of them for None.

    Raises TrainerError for a name that is none, or a head without the network whose features it reads.
    """
    known = {system.name: system for system in SYSTEMS}
    wanted = set(known) if names is None else {name.strip() for name in names.split(",")}
    for name in sorted(wanted - known.keys()):
        raise TrainerError(f"no system '{name}'; there are {', '.join(known)}")
    for name in sorted(wanted):
        needed = known[name].features_of
        if needed and needed not in wanted:
            raise TrainerError(f"{name} reads the features of {needed}; add it to --systems")
    return tuple(system for system in SYSTEMS if system.name in wanted)
