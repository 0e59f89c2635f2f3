"""Teaches a network's two heads at once: expressions from FER+ votes, signals from teachers and drawn faces.

Starts from a trained expression network and moves its trunk too: read from a frozen trunk, head angles are twice as
far off. In every step stand FER+ pictures, drawn faces in their surroundings, and pieces of pictures that are no face.
Reads from top to bottom: ``train_jointly`` → ``_epoch`` → ``_step``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engage.core.types import CROP_SIZE_PX
from engage.inference.classifier import load
from engage.inference.network import FaceNet, Maps, build_resnet18
from trainer import winograd
from trainer.checkpoint import Checkpoint, EpochRecord, write_whole
from trainer.errors import TrainerError
from trainer.joint_batch import JointRecipe, compose
from trainer.joint_data import JointData
from trainer.optimizers import decay_groups, update_average
from trainer.recipe import Augmentation, Recipe, Regularisation
from trainer.signals import answers, signal_loss
from trainer.train import normalise, pick_device

CHECKPOINT_FILE = "joint.pt"
SAVE_EVERY_S = 240.0
TEACHERS = ("MediaPipe FaceLandmarker (head, eyes, mouth)", "YuNet (framing)", "the virtual class (exact truth)")
INPUT = Recipe()
"""Whose gray level the network's input has."""


@dataclass(frozen=True, slots=True)
class JointRecord:
    """Where a run stands after an epoch; ``valid_accuracy`` 0-1 on the majority set, by the averaged weights."""

    epoch: int
    step: int
    elapsed_s: float
    expression_loss: float
    signal_loss: float
    valid_accuracy: float


@dataclass(slots=True)
class _Run:
    recipe: JointRecipe
    data: JointData
    out: Path
    device: torch.device
    network: FaceNet
    average: FaceNet
    optimizer: torch.optim.Optimizer
    listener: Callable[[int, float, float], None]
    step: int = 0
    elapsed_before_s: float = 0.0
    started_s: float = field(default_factory=time.monotonic)
    saved_s: float = field(default_factory=time.monotonic)
    history: list[JointRecord] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.data.images) // self.recipe.pictures)

    @property
    def elapsed_s(self) -> float:
        return self.elapsed_before_s + time.monotonic() - self.started_s

    @property
    def progress(self) -> float:
        done = self.step / (self.steps_per_epoch * self.recipe.epochs)
        used = self.elapsed_s / self.recipe.budget_s if self.recipe.budget_s else 0.0
        return min(1.0, max(done, used))


def train_jointly(
    recipe: JointRecipe,
    start: FaceNet,
    data: JointData,
    out: Path,
    listener: Callable[[int, float, float], None] = lambda step, progress, loss: None,
) -> Path:
    """Train, or go on training, and return the path of the checkpoint.

    Args:
        recipe: how; a checkpoint in ``out`` must be of the same one (budget and epochs may differ).
        start: a network with a signals head, its trunk and expression head already trained.
        data: pictures, votes and targets.
        out: folder of the run.
        listener: told step, progress 0-1 and loss after every step.

    Raises:
        TrainerError: the loss became NaN, the checkpoint cannot be written or is of another recipe.
    """
    run = _start(recipe, start, data, out, listener)
    try:
        while run.progress < 1:
            _epoch(run)
    except KeyboardInterrupt:
        _save(run)
        raise
    return out / CHECKPOINT_FILE


def with_signals(folder: Path | None, recipe: JointRecipe) -> FaceNet:
    """Return the network of the model ``folder`` (the product's own if None), with a signals head, new if need be."""
    known = load(folder).network.state_dict()
    torch.manual_seed(recipe.seed)
    network = build_resnet18(dropout=recipe.dropout, signals=True)
    found = network.load_state_dict(known, strict=False)
    if found.unexpected_keys or any(not name.startswith("signals.") for name in found.missing_keys):
        raise TrainerError(f"the network of {folder} is no ResNet18 of the product; start from another --from")
    return network


def load_checkpoint(folder: Path) -> Checkpoint:
    """Return the joint run in ``folder`` as the exporter knows runs; TrainerError where there is none."""
    try:
        saved = torch.load(folder / CHECKPOINT_FILE, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise TrainerError(f"no joint run in {folder}; make one: trainer fit-signals --out {folder}") from None
    except Exception as error:
        raise TrainerError(f"{folder / CHECKPOINT_FILE} is damaged or none of ours; train anew") from error
    joint = saved["recipe"]
    recipe = Recipe(
        name="classroom-resnet18",
        architecture="resnet18-signals",
        epochs=joint["epochs"],
        budget_s=joint["budget_s"],
        batch_size=joint["pictures"],
        lr=joint["lr"],
        dropout=joint["dropout"],
        warmup=joint["warmup"],
        weight_decay=joint["weight_decay"],
        ema=joint["ema"],
        mean=INPUT.mean,
        std=INPUT.std,
        sizes=((0.0, CROP_SIZE_PX),),
        augmentation=Augmentation(**joint["augmentation"]),
        regularisation=Regularisation(**joint.get("regularisation", {})),
        seed=joint["seed"],
    )
    history = tuple(
        EpochRecord(
            epoch=record["epoch"],
            step=record["step"],
            progress=record["epoch"] / joint["epochs"],
            elapsed_s=record["elapsed_s"],
            size_px=CROP_SIZE_PX,
            train_loss=record["expression_loss"],
            valid_loss=float("nan"),
            valid_accuracy=record["valid_accuracy"],
        )
        for record in saved["history"]
    )
    weights = saved["network"], saved["average"], saved["optimizer"]
    return Checkpoint(recipe, saved["step"], saved["elapsed_s"], history, *weights, TEACHERS)


def learning_rate(recipe: JointRecipe, progress: float) -> float:
    """Return the learning rate at ``progress`` 0-1: a straight rise, the peak, half a cosine down to 0."""
    if progress < recipe.warmup:
        return recipe.lr * (0.1 + 0.9 * progress / recipe.warmup)
    if progress < recipe.hold:
        return recipe.lr
    return recipe.lr * (1 + math.cos(math.pi * (progress - recipe.hold) / (1 - recipe.hold))) / 2


def _start(
    recipe: JointRecipe, start: FaceNet, data: JointData, out: Path, listener: Callable[[int, float, float], None]
) -> _Run:
    device = pick_device()
    if start.signals is None:
        raise TrainerError("the network to start from has no signals head")
    network = start.to(device).requires_grad_(True)
    average = deepcopy(network).eval().requires_grad_(False)
    for part in recipe.frozen:
        getattr(network.trunk, part).requires_grad_(False)
    optimizer = torch.optim.AdamW(decay_groups(network, recipe.weight_decay), lr=recipe.lr)
    run = _Run(recipe, data.to(device), out, device, network, average, optimizer, listener)
    if (out / CHECKPOINT_FILE).exists():
        _resume(run)
    return run


def _epoch(run: _Run) -> None:
    epoch, first = divmod(run.step, run.steps_per_epoch)
    rng = torch.Generator().manual_seed(run.recipe.seed * 1009 + epoch)
    order = torch.randperm(len(run.data.images), generator=rng)
    for index in range(first, run.steps_per_epoch):
        _step(run, order[index * run.recipe.pictures : (index + 1) * run.recipe.pictures])
        if run.progress >= 1:
            break
        if time.monotonic() - run.saved_s > SAVE_EVERY_S:
            _save(run)
    expression, signals = torch.tensor(run.losses).mean(dim=0).tolist()
    run.losses.clear()
    accuracy = _valid_accuracy(run)
    run.history.append(JointRecord(epoch + 1, run.step, run.elapsed_s, expression, signals, accuracy))
    _save(run)


def _step(run: _Run, chosen: Tensor) -> None:
    recipe = run.recipe
    torch.manual_seed(recipe.seed * 1_000_003 + run.step)
    rng = torch.Generator(run.device).manual_seed(recipe.seed * 1_000_003 + run.step)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, run.progress)
    run.network.train()
    for part in recipe.frozen:
        getattr(run.network.trunk, part).eval()
    assert run.network.signals is not None  # noqa: S101
    chosen = chosen.to(run.device)
    batch = compose(run.data, chosen, recipe, run.progress, rng)
    maps = _maps(run, run.network, batch.images)
    logits = run.network.name(tuple(part[: len(chosen)] for part in maps))  # type: ignore[arg-type]
    named = -(batch.votes * functional.log_softmax(logits, dim=1)).sum() / (batch.votes.sum() + 1e-6)
    read = signal_loss(run.network.signals(maps), answers(batch.targets))
    loss = named + recipe.signal_weight * read
    run.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    if not math.isfinite(loss.item()):
        raise TrainerError(
            f"the loss is {loss.item()} at step {run.step}; start anew with a lower --lr than {recipe.lr}"
        )
    run.losses.append((named.item(), read.item()))
    run.step += 1
    update_average(run.average, run.network, min(recipe.ema, (1 + run.step) / (10 + run.step)))
    run.listener(run.step, run.progress, loss.item())


@torch.inference_mode()
def _valid_accuracy(run: _Run) -> float:
    right = 0
    batches = zip(torch.split(run.data.valid_images, 64), torch.split(run.data.valid_labels, 64), strict=True)
    for images, labels in batches:
        logits = run.average.name(_maps(run, run.average, images.float() / 255))
        right += int((logits.argmax(dim=1) == labels).sum())
    return right / len(run.data.valid_images)


def _maps(run: _Run, network: FaceNet, images: Tensor) -> Maps:
    """Return the maps of ``images`` 0-1, on a CPU the quick way."""
    normal = normalise(images, INPUT)
    return winograd.maps(network, normal) if run.device.type == "cpu" else network.maps(normal)


def _save(run: _Run) -> None:
    values: dict[str, Any] = {
        "recipe": asdict(run.recipe),
        "step": run.step,
        "elapsed_s": run.elapsed_s,
        "history": [asdict(record) for record in run.history],
        "network": run.network.state_dict(),
        "average": run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
    }
    write_whole(values, run.out / CHECKPOINT_FILE)
    run.saved_s = time.monotonic()


def _resume(run: _Run) -> None:
    saved = torch.load(run.out / CHECKPOINT_FILE, map_location=run.device, weights_only=True)
    ours = asdict(run.recipe)
    changed = sorted(
        key for key in ours if key not in {"epochs", "budget_s"} and saved["recipe"].get(key, ours[key]) != ours[key]
    )
    if changed:
        raise TrainerError(f"{run.out} holds a run with another {', '.join(changed)}; give a new --out")
    run.network.load_state_dict(saved["network"])
    run.average.load_state_dict(saved["average"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.step, run.elapsed_before_s = saved["step"], saved["elapsed_s"]
    run.history = [JointRecord(**record) for record in saved["history"]]
