"""A run's course for TensorBoard, where it is installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.checkpoint import EpochRecord
from trainer.train import Listener, StepReport

logger = logging.getLogger(__name__)

FOLDER = "tensorboard"
EVERY_STEPS = 10


@contextmanager
def logged(listener: Listener, out: Path) -> Iterator[Listener]:
    """Yield a listener that tells ``listener`` and writes TensorBoard's logs to ``out/tensorboard``.

    Loss, learning rate, input size and speed are written every ten steps, validation figures every epoch. A resumed run
    goes on in the same folder. Where TensorBoard is not installed nothing is written: look at them with
    ``tensorboard --logdir RUN`` after ``pip install 'engage[train]'``.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("tensorboard missing, no logs out=%s", out)
        yield listener
        return
    with SummaryWriter(str(out / FOLDER)) as writer:

        def step(report: StepReport) -> None:
            if report.step % EVERY_STEPS == 0:
                for name in ("loss", "lr", "size_px", "images_per_s"):
                    writer.add_scalar(f"train/{name}", getattr(report, name), report.step)
            listener.step(report)

        def epoch(record: EpochRecord) -> None:
            for name in ("train_loss", "valid_loss", "valid_accuracy"):
                writer.add_scalar(f"epoch/{name}", getattr(record, name), record.step)
            writer.flush()
            listener.epoch(record)

        yield Listener(step, epoch)
