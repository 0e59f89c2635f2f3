"""What a training step may do against overfitting: mixup, SAM, flip consistency, logit adjustment.

Everything here is off at the defaults of ``trainer.recipe.Regularisation``, works on whole batches, and takes all its
randomness from the generator it is given, so that a resumed run repeats itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.recipe import Regularisation

Loss = Callable[[], Tensor]


def mix(
    images: Tensor, targets: Tensor, settings: Regularisation, progress: float, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the batch blended with a shuffled copy of itself (mixup, Zhang et al. 2017, arXiv 1710.09412), or itself.

    One weight for the whole batch, from Beta(alpha, alpha); targets are blended alike. A share ``mixup_share`` of the
    batches is mixed, and none from ``mixup_until`` of the run on.

    Args:
        images: ``(N, 1, H, W)`` float.
        targets: ``(N, 8)`` float.
        settings: how much.
        progress: of the run, 0-1.
        rng: source of all randomness, on the images' device.
    """
    if settings.mixup_alpha <= 0 or progress >= settings.mixup_until:
        return images, targets
    if torch.rand(1, generator=rng, device=rng.device).item() >= settings.mixup_share:
        return images, targets
    weight = _beta(settings.mixup_alpha, rng)
    order = torch.randperm(len(images), generator=rng, device=rng.device)
    return torch.lerp(images[order], images, weight), torch.lerp(targets[order], targets, weight)


def _beta(alpha: float, rng: torch.Generator) -> float:
    """Return a draw from Beta(alpha, alpha) by Jöhnk's method (1964): torch's own takes no generator."""
    while True:
        first, second = (torch.rand(2, generator=rng, device=rng.device).double() ** (1 / alpha)).tolist()
        if 0 < first + second <= 1:
            return float(first / (first + second))


def log_shares(targets: Tensor) -> Tensor:
    """Return ``(8,)`` logarithms of the classes' shares in ``(N, 8)`` targets; a class nobody chose counts as one."""
    counts = targets.sum(dim=0).clamp(min=1)
    return (counts / counts.sum()).log()


def expression_loss(
    network: Callable[[Tensor], Tensor], images: Tensor, targets: Tensor, settings: Regularisation, shares: Tensor
) -> Tensor:
    """Return the mean cross-entropy of ``network`` on a batch, with what ``settings`` adds to it.

    Logit adjustment (Menon et al. 2020, arXiv 2007.07314) adds ``logit_adjustment * log(share)`` to the logits while
    learning, so that rare classes keep a margin. Flip consistency adds the Jensen-Shannon divergence, in nats, between
    the answers for each image and its mirror image, times its weight; it costs a second pass.

    Args:
        network: gives ``(N, 8)`` logits.
        images: ``(N, 1, H, W)`` normalised.
        targets: ``(N, 8)``, rows of sum 1.
        settings: what is added.
        shares: ``(8,)`` of ``log_shares``.
    """
    logits = network(images).float()
    loss = functional.cross_entropy(logits + settings.logit_adjustment * shares, targets)
    if settings.flip_consistency <= 0:
        return loss
    mirrored = network(images.flip(-1)).float()
    return loss + settings.flip_consistency * divergence(logits, mirrored)


def divergence(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean Jensen-Shannon divergence, in nats, between the softmax of two sets of ``(N, 8)`` logits."""
    logs = functional.log_softmax(one, dim=1), functional.log_softmax(other, dim=1)
    middle = torch.stack(logs).logsumexp(dim=0) - torch.log(torch.tensor(2.0, device=one.device))
    parts = [functional.kl_div(middle, log, reduction="batchmean", log_target=True) for log in logs]
    return (parts[0] + parts[1]) / 2


def update(network: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, sam_rho: float = 0.0) -> float:
    """Take one optimizer step against ``loss`` and return its value before the step.

    With ``sam_rho`` > 0 the gradient is taken ``sam_rho`` away in the direction of steepest rise (sharpness-aware
    minimisation, Foret et al. 2020, arXiv 2010.01412). Batch norms learn their statistics from the first pass only, and
    dropout is the same in both: ``loss`` is called twice from the same seed, on every device.
    """
    seed = int(torch.randint(2**31, (1,)).item()) if sam_rho > 0 else 0
    if sam_rho > 0:
        torch.manual_seed(seed)
    optimizer.zero_grad()
    value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    if sam_rho > 0:
        with _climbed(network, sam_rho), _frozen_statistics(network):
            optimizer.zero_grad()
            torch.manual_seed(seed)
            loss().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return value.item()


@contextmanager
def _climbed(network: nn.Module, rho: float) -> Iterator[None]:
    """Move the weights by ``rho`` along their gradient, and back."""
    weights = [weight for weight in network.parameters() if weight.grad is not None]
    slopes = [weight.grad for weight in weights if weight.grad is not None]
    length = torch.stack([slope.norm() for slope in slopes]).norm().clamp(min=1e-12)
    before = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight, slope in zip(weights, slopes, strict=True):
            weight.add_(slope * (rho / length))
    yield
    with torch.no_grad():
        for weight, old in zip(weights, before, strict=True):
            weight.copy_(old)


@contextmanager
def _frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch norms use a batch's statistics without learning from them."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    yield
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
