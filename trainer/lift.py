"""Rare classes raised after training: logit adjustment (Menon et al. 2020, arXiv 2007.07314, section 4.1), capped.

A network that learnt votes as they are names a rare class only where it is likelier than all others, so that of the
rarest hardly any is found. Here the logits of classes that are rarer than an even share (one in eight) are raised;
those of the others stay, since raising a class only a little rarer than the commonest costs more of that one.
"""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from trainer.checkpoint import Checkpoint
from trainer.regularise import log_shares

BIAS = "expression.bias"


def lifted(checkpoint: Checkpoint, targets: Tensor, lift: float) -> Checkpoint:
    """Return ``checkpoint`` with ``lift`` times ``log(even share / share)`` on the rare classes' logits.

    Args:
        checkpoint: a finished run; only its averaged weights are changed, and its recipe names the lift.
        targets: ``(N, 8)`` votes that it learnt from.
        lift: 0 changes nothing, 1 balances the rare classes.
    """
    rarer = (-math.log(targets.shape[1]) - log_shares(targets)).clamp(min=0)
    bias = checkpoint.average[BIAS] + lift * rarer
    return replace(
        checkpoint,
        recipe=replace(checkpoint.recipe, lift=lift),
        average={**checkpoint.average, BIAS: bias},
    )
