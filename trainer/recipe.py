"""One frozen record that says how a network is trained; it is saved in every checkpoint and quoted in the card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from trainer.errors import TrainerError

RECIPE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training image may be moved and changed; 0 switches a part off."""

    flip: float = 0.5
    """Probability of a mirror image."""
    rotate_deg: float = 12.0
    scale: float = 0.12
    shift: float = 0.10
    """Share of the image's side, in each direction."""
    brightness: float = 0.15
    """Share of the full range."""
    contrast: float = 0.25
    erase: float = 0.25
    """Probability that one rectangle is painted over (Zhong et al. 2017, arXiv 1708.04896)."""
    erase_max_area: float = 0.15
    coarse: float = 0.0
    """Probability that an image is brought down to a third to two thirds of its pixels, as of a face far away."""
    grain: float = 0.0
    """Probability of sensor noise, of a standard deviation up to ``grain_max`` of the full range."""
    grain_max: float = 0.08


@dataclass(frozen=True, slots=True)
class Regularisation:
    """What a step does against overfitting, see ``trainer.regularise``; at these defaults nothing."""

    mixup_alpha: float = 0.0
    mixup_share: float = 0.5
    """Share of the batches that are mixed, where ``mixup_alpha`` is above 0."""
    mixup_until: float = 0.85
    """Share of the run from which none is mixed any more."""
    sam_rho: float = 0.0
    flip_consistency: float = 0.0
    """Weight of the divergence between the answers for an image and its mirror image."""
    logit_adjustment: float = 0.0
    """Weight of the classes' log shares; 1 is balanced, .3 mild."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run besides the data.

    ``budget_s`` ends the run, annealed, after that many seconds of training on any machine: progress through every
    schedule is the larger of steps done / steps planned and time used / budget, a resumed run's earlier time included.
    Without it (None) the epochs alone decide.
    """

    name: str = "ferplus-resnet18"
    architecture: str = "resnet18"
    train_split: str = "FER2013Train"
    valid_split: str = "FER2013Valid"
    epochs: int = 15
    budget_s: float | None = None
    batch_size: int = 64
    optimizer: str = "adamw"
    """"adamw" or "sgd" (with Nesterov momentum). AdamW leaves the initial plateau within 100 steps, SGD needs over 200:
    in a run of ten epochs that decides."""
    lr: float = 1e-3
    warmup: float = 0.05
    """Share of the run over which the learning rate rises."""
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 0.05
    dropout: float = 0.2
    ema: float = 0.998
    """Decay per step of the averaged weights, reached through a warm-up of (1 + step) / (10 + step)."""
    mean: float = 0.508
    """Gray level of the 28,385 FER+ training images, 0-1; the card carries it to the product."""
    std: float = 0.255
    sizes: tuple[tuple[float, int], ...] = ((0.0, 32), (0.55, 40), (0.75, 48))
    """Progressive resizing: (from this share of the run, side of the input in pixels). The last is the final one."""
    augmentation: Augmentation = Augmentation()
    regularisation: Regularisation = Regularisation()
    targets: str = "soft"
    """"soft" (shares of the votes, 28,385 images) or "majority" (one class each, 25,045 images)."""
    precision: str = "fp32"
    """"fp32" or "bf16" (autocast): bf16 is faster on GPUs and on CPUs with AMX, ten times slower on others."""
    teachers: tuple[str, ...] = ()
    """Names of the models whose answers are in the targets, see ``trainer.distil``."""
    lift: float = 0.0
    """Of rare classes' logits at the export, see ``trainer.lift``."""
    start: str = ""
    """Name and version of the model whose weights the run began with, see ``trainer.warm_start``; empty: new ones."""
    seed: int = 1

    def size_at(self, progress: float) -> int:
        """Return the side of the input images, in pixels, at ``progress`` 0-1."""
        return [px for start, px in self.sizes if start <= progress][-1]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint or JSON holds them."""
        return {"recipe_version": RECIPE_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Return the recipe of ``to_dict``; raises TrainerError where another version of the trainer wrote it."""
        values = dict(values)
        try:
            if values.pop("recipe_version") != RECIPE_VERSION:
                raise TypeError("recipe_version")
            values["augmentation"] = Augmentation(**values["augmentation"])
            values["regularisation"] = Regularisation(**values.get("regularisation", {}))
            values["sizes"] = tuple((float(start), int(px)) for start, px in values["sizes"])
            values["teachers"] = tuple(values.get("teachers", ()))
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise TrainerError(
                f"the checkpoint's recipe is of another version of the trainer ({error}); start a new run"
            ) from error
