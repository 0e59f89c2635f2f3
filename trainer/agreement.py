"""How far scores agree with people's labels: ranking, recall, rank correlation. Rows without a score are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]
Subjects = NDArray[np.str_]

CANDIDATES = 120
"""Cuts between labels are sought among so many quantiles."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Figures of scores against labels 1 to 3. Areas and recalls are 0-1, None where a label has no picture.

    ``recall`` takes the labels from two cuts through the scores that were chosen on the other subjects.
    """

    n: int
    n_scored: int
    auc_1_vs_3: float | None
    auc_1_vs_23: float | None
    auc_1_vs_3_within: float | None
    """Mean over the subjects that have both labels."""
    recall: Mapping[str, float | None]
    mean_recall: float | None
    rank_correlation: float | None
    """Spearman's."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def agreement(values: Scores, labels: Labels, subjects: Subjects) -> Agreement:
    """Return the figures of ``values`` ``(N,)``, NaN where there is no score, against ``labels`` of ``subjects``."""
    known = ~np.isnan(values)
    scores, truth, whose = values[known], labels[known], subjects[known]
    within = [area(scores[whose == one], truth[whose == one], (1,), (3,)) for one in np.unique(whose)]
    both = [value for value in within if value is not None]
    recall = _recall(truth, _sorted_into_labels(scores, truth, whose))
    there = [value for value in recall.values() if value is not None]
    return Agreement(
        n=len(values),
        n_scored=int(known.sum()),
        auc_1_vs_3=area(scores, truth, (1,), (3,)),
        auc_1_vs_23=area(scores, truth, (1,), (2, 3)),
        auc_1_vs_3_within=float(np.mean(both)) if both else None,
        recall=recall,
        mean_recall=float(np.mean(there)) if there else None,
        rank_correlation=rank_correlation(scores, truth),
    )


def area(scores: Scores, labels: Labels, low: tuple[int, ...], high: tuple[int, ...]) -> float | None:
    """Return how often a score of a ``high`` label exceeds one of a ``low`` label, ties counted half, or None."""
    below, above = np.sort(scores[np.isin(labels, low)]), scores[np.isin(labels, high)]
    if not len(below) or not len(above):
        return None
    beaten = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(beaten.mean() / 2 / len(below))


def rank_correlation(scores: Scores, labels: Labels) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank, or None where one of both is constant."""
    if len(np.unique(scores)) < 2 or len(np.unique(labels)) < 2:
        return None
    return float(np.corrcoef(_ranks(scores), _ranks(labels.astype(float)))[0, 1])


def _ranks(values: Scores) -> Scores:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def best_cuts(scores: Scores, labels: Labels) -> tuple[float, float]:
    """Return the two cuts through the scores with the best mean recall of the three labels."""
    cuts = np.unique(np.quantile(scores, np.linspace(0.005, 0.995, CANDIDATES)))
    shares = np.stack([(scores[labels == label, None] >= cuts).mean(axis=0) for label in np.unique(labels)])
    if len(shares) < 3:
        return float(cuts[0]), float(cuts[-1])
    low, middle, high = shares  # share of each label at or above each cut
    sums = (1 - low)[:, None] + middle[:, None] - middle[None, :] + high[None, :]
    sums[np.tril_indices(len(cuts), -1)] = -np.inf
    first, second = np.unravel_index(np.argmax(sums), sums.shape)
    return float(cuts[first]), float(cuts[second])


def _sorted_into_labels(scores: Scores, labels: Labels, subjects: Subjects) -> Labels:
    """Return the label that each score's height says, by cuts chosen on the other subjects."""
    answers = np.zeros(len(scores), np.int64)
    for subject in np.unique(subjects):
        here = subjects == subject
        others = ~here if (~here).any() else here
        answers[here] = 1 + np.digitize(scores[here], best_cuts(scores[others], labels[others]))
    return answers


def _recall(labels: Labels, answers: Labels) -> dict[str, float | None]:
    return {
        str(label): float((answers[labels == label] == label).mean()) if (labels == label).any() else None
        for label in (1, 2, 3)
    }
