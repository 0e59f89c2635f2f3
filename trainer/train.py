"""The training loop: from a Recipe and two splits to a folder with a checkpoint and its history.

Reads from top to bottom: ``train`` → ``_epoch`` → ``_step``. The checkpoint is one file, written to the side and then
renamed, so a run killed at any moment (kill -9 included) goes on from the last one. Order of images, augmentation and
dropout follow from (seed, step) alone: a resumed run without a time budget repeats exactly what was lost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engage.core.types import CROP_SIZE_PX
from engage.inference.network import FaceNet
from trainer import winograd
from trainer.architectures import build_network
from trainer.augment import augment, resize
from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint, EpochRecord
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.optimizers import learning_rate, optimizer_of, update_average
from trainer.recipe import Recipe
from trainer.regularise import expression_loss, log_shares, mix, update

SAVE_EVERY_S = 150.0


@dataclass(frozen=True, slots=True)
class StepReport:
    """Where a run stands after one step."""

    step: int
    epoch: int
    progress: float
    loss: float
    lr: float
    size_px: int
    images_per_s: float


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom a run tells about its course; by default nobody."""

    step: Callable[[StepReport], None] = lambda report: None
    epoch: Callable[[EpochRecord], None] = lambda record: None


@dataclass(slots=True)
class _Run:
    recipe: Recipe
    out: Path
    device: torch.device
    images: Tensor
    targets: Tensor
    shares: Tensor
    valid_images: Tensor
    valid_labels: Tensor
    network: FaceNet
    average: FaceNet
    optimizer: torch.optim.Optimizer
    steps_per_epoch: int
    listener: Listener
    step: int = 0
    elapsed_before_s: float = 0.0
    started_s: float = field(default_factory=time.monotonic)
    saved_s: float = field(default_factory=time.monotonic)
    history: list[EpochRecord] = field(default_factory=list)

    @property
    def elapsed_s(self) -> float:
        return self.elapsed_before_s + time.monotonic() - self.started_s

    @property
    def progress(self) -> float:
        done = self.step / (self.steps_per_epoch * self.recipe.epochs)
        used = self.elapsed_s / self.recipe.budget_s if self.recipe.budget_s else 0.0
        return min(1.0, max(done, used))


def train(
    recipe: Recipe,
    splits: tuple[Split, Split],
    out: Path,
    listener: Listener | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train, or go on training, and return the path of the checkpoint.

    Args:
        recipe: how; where ``out`` holds a checkpoint, it must be of the same recipe (budget and epochs may differ).
        splits: the training and the validation split. The validation split is only measured on.
        out: folder of the run.
        listener: told after every step and every epoch.
        start: weights to begin with; new ones if not given. A checkpoint in ``out`` wins over them.

    Raises:
        TrainerError: the loss became NaN, the disk is full, the checkpoint is of another recipe, or too few images.
    """
    run = _start(recipe, splits, out, listener or Listener(), start)
    path = run.out / CHECKPOINT_FILE
    if run.progress >= 1 and path.exists():
        return path
    try:
        while run.progress < 1:
            _epoch(run)
    except KeyboardInterrupt:
        _save(run)
        raise
    return path


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """Return gray images 0-1 as the network reads them: mean 0, spread 1, channels last."""
    return ((images - recipe.mean) / recipe.std).contiguous(memory_format=torch.channels_last)


def pick_device() -> torch.device:
    """Return the accelerator that is there, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _start(
    recipe: Recipe, splits: tuple[Split, Split], out: Path, listener: Listener, start: Mapping[str, Tensor] | None
) -> _Run:
    device = pick_device()
    torch.manual_seed(recipe.seed)
    network = build_network(recipe).to(device)
    if start is not None:
        network.load_state_dict(start)
    average = build_network(recipe).to(device).eval()
    average.load_state_dict(network.state_dict())
    images, targets = splits[0].soft() if recipe.targets == "soft" else splits[0].one_hot()
    valid_images, valid_labels = splits[1].majority()
    if len(images) < recipe.batch_size or len(valid_images) == 0:
        raise TrainerError(
            f"{len(images)} training images for a batch of {recipe.batch_size} and {len(valid_images)} validation "
            "images; give more data or a smaller --batch-size"
        )
    run = _Run(
        recipe=recipe,
        out=out,
        device=device,
        images=_to_tensor(images).to(device),
        targets=torch.from_numpy(targets).to(device),
        shares=log_shares(torch.from_numpy(targets)).to(device),
        valid_images=_to_tensor(valid_images).to(device),
        valid_labels=torch.from_numpy(valid_labels).to(device),
        network=network,
        average=average,
        optimizer=optimizer_of(network, recipe),
        steps_per_epoch=len(images) // recipe.batch_size,
        listener=listener,
    )
    if (out / CHECKPOINT_FILE).exists():
        _resume(run)
    return run


def _to_tensor(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1)


def _epoch(run: _Run) -> None:
    epoch, first = divmod(run.step, run.steps_per_epoch)
    order = torch.randperm(len(run.images), generator=torch.Generator().manual_seed(run.recipe.seed * 1009 + epoch))
    losses: list[float] = []
    for index in range(first, run.steps_per_epoch):
        losses.append(_step(run, order[index * run.recipe.batch_size : (index + 1) * run.recipe.batch_size], epoch))
        if run.progress >= 1:
            break
        if time.monotonic() - run.saved_s > SAVE_EVERY_S:
            _save(run)
    loss, accuracy = _measure(run)
    record = EpochRecord(
        epoch=epoch + 1,
        step=run.step,
        progress=run.progress,
        elapsed_s=run.elapsed_s,
        size_px=run.recipe.size_at(run.progress),
        train_loss=float(np.mean(losses)),
        valid_loss=loss,
        valid_accuracy=accuracy,
    )
    run.history.append(record)
    _save(run)
    run.listener.epoch(record)


def _step(run: _Run, chosen: Tensor, epoch: int) -> float:
    recipe, progress, began_s = run.recipe, run.progress, time.monotonic()
    lr, size_px = learning_rate(recipe, progress), recipe.size_at(progress)
    torch.manual_seed(recipe.seed * 1_000_003 + run.step)
    rng = torch.Generator(run.device).manual_seed(recipe.seed * 1_000_003 + run.step)
    chosen = chosen.to(run.device)
    images = augment(run.images[chosen].float() / 255, size_px, recipe.augmentation, rng)
    images, targets = mix(images, run.targets[chosen], recipe.regularisation, progress, rng)
    images = normalise(images, recipe)
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.network.train()

    def loss() -> Tensor:
        with torch.autocast(run.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
            return expression_loss(partial(_answer, run), images, targets, recipe.regularisation, run.shares)

    value = update(run.network, run.optimizer, loss, recipe.regularisation.sam_rho)
    if not math.isfinite(value):
        raise TrainerError(
            f"the loss is {value} at step {run.step}; the last checkpoint in {run.out} is whole: start anew with a "
            f"lower --lr than {recipe.lr}"
        )
    run.step += 1
    update_average(run.average, run.network, min(recipe.ema, (1 + run.step) / (10 + run.step)))
    speed = len(chosen) / (time.monotonic() - began_s)
    run.listener.step(StepReport(run.step, epoch + 1, run.progress, value, lr, size_px, speed))
    return value


def _answer(run: _Run, images: Tensor) -> Tensor:
    """Return the network's logits, the quick way where there is one."""
    recipe = run.recipe
    plain = recipe.precision == "fp32" and run.device.type == "cpu" and images.shape[-1] == CROP_SIZE_PX
    if plain and recipe.architecture.startswith("resnet18") and "dense" not in recipe.architecture:
        return winograd.logits(run.network, images)
    return cast(Tensor, run.network(images))


@torch.inference_mode()
def _measure(run: _Run) -> tuple[float, float]:
    size_px = run.recipe.sizes[-1][1]
    batches = [
        run.average(normalise(resize(images.float() / 255, size_px), run.recipe))
        for images in torch.split(run.valid_images, 64)
    ]
    logits = torch.cat(batches)
    loss = functional.cross_entropy(logits, run.valid_labels).item()
    return loss, (logits.argmax(dim=1) == run.valid_labels).float().mean().item()


def _save(run: _Run) -> None:
    Checkpoint(
        recipe=run.recipe,
        step=run.step,
        elapsed_s=run.elapsed_s,
        history=tuple(run.history),
        network=run.network.state_dict(),
        average=run.average.state_dict(),
        optimizer=run.optimizer.state_dict(),
    ).save(run.out)
    run.saved_s = time.monotonic()


def _resume(run: _Run) -> None:
    saved = Checkpoint.load(run.out / CHECKPOINT_FILE)
    free = {"epochs", "budget_s", "name"}
    theirs, ours = asdict(saved.recipe), asdict(run.recipe)
    changed = sorted(key for key in ours if key not in free and theirs[key] != ours[key])
    if changed:
        raise TrainerError(
            f"{run.out} holds a run with another {', '.join(changed)}; resume it with the same settings or give a new "
            "--out"
        )
    run.network.load_state_dict(saved.network)
    run.average.load_state_dict(saved.average)
    run.optimizer.load_state_dict(saved.optimizer)
    run.step, run.elapsed_before_s, run.history = saved.step, saved.elapsed_s, list(saved.history)
