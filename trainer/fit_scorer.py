"""Fits the scorer's few numbers to what people have judged; the result is settings that the product computes with.

Fitted are the three exponents, the eight emotion weights and, out of a handful of choices, the angles of attention and
the openness of lids. Two cuts and a slope turn the logarithm of the score into the chance of a label (ordered logistic
regression, McCullagh 1980), every label weighing the same; a penalty draws exponents and weights towards the default.
Figures are those on subjects that were left out of the fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.core.scoring_settings import EmotionWeights, ScoringSettings
from engage.core.types import EMOTIONS
from trainer.agreement import Agreement, agreement
from trainer.errors import TrainerError
from trainer.judged import Judged

LEAST_JUDGED, LEAST_OF_EACH, LEAST_SUBJECTS = 40, 10, 4
"""Judged moments in all, of each end (disengaged, engaged), and subjects: fewer say more about themselves than about
the scorer."""
PENALTY_EXPONENTS, PENALTY_WEIGHTS = 10.0, 500.0
"""In units of log-likelihood, per squared change of an exponent's logarithm and of an emotion's weight."""
LEAST_WEIGHT, LARGEST_EXPONENT = 0.05, 5.0
SIGHTS = ((15.0, 35.0), (5.0, 38.0), (0.0, 45.0))
"""Choices of ``attentive_within_deg`` and ``inattentive_from_deg``; the first are the default's."""
LIDS = ((0.5, 1.0), (0.3, 0.9))
"""Choices of ``lids_low`` and ``lids_open``; the first are the default's."""

Judge = Callable[[ScoringSettings], Judged]
"""What was judged, with the terms that settings give it; labels and subjects stay in the same order."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted settings; ``before`` and ``after`` are the default's and the fit's agreement, each subject left out."""

    scoring: ScoringSettings
    before: Agreement
    after: Agreement
    n_subjects: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "scoring": self.scoring.version,
            "n_subjects": self.n_subjects,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }


def fit_scorer(
    judge: Judge, base: ScoringSettings, name: str, on_progress: Callable[[int, int], None] = lambda done, of: None
) -> Fit:
    """Return settings called ``name``, fitted from ``base`` to what ``judge`` knows.

    Raises:
        TrainerError: too little was judged to fit anything; the message says how much is needed.
    """
    choices = _judged_by_choice(judge, base, on_progress)
    with _one_thread():
        return _fit_and_measure(choices, base, name)


def _fit_and_measure(choices: Mapping[ScoringSettings, Judged], base: ScoringSettings, name: str) -> Fit:
    judged = next(iter(choices.values()))
    before = agreement(log_scores(judged, base), judged.labels, judged.subjects)
    held_out = np.full(len(judged), np.nan)
    for subject in np.unique(judged.subjects):
        here = judged.subjects == subject
        fitted = _best({settings: rows[~here] for settings, rows in choices.items()})
        held_out[here] = log_scores(choices[_choice_of(fitted, choices)][here], fitted)
    fitted = replace(_best(choices), name=name)
    after = agreement(held_out, judged.labels, judged.subjects)
    return Fit(fitted, before, after, len(np.unique(judged.subjects)))


def log_scores(judged: Judged, settings: ScoringSettings) -> Numbers:
    """Return the logarithm of the score over 8 of each moment without participation, NaN where no term was read."""
    weights = np.array(settings.emotion_weights.as_tuple())
    return _log_scores(judged, _exponents(settings), weights)


def _judged_by_choice(
    judge: Judge, base: ScoringSettings, on_progress: Callable[[int, int], None]
) -> dict[ScoringSettings, Judged]:
    """Return what was judged under every choice of angles and openness.

    Angles decide attention alone and openness alertness alone, so each is judged once and then combined.
    """
    jobs = [(sight, LIDS[0]) for sight in SIGHTS] + [(SIGHTS[0], lids) for lids in LIDS[1:]]
    found = {}
    for done, job in enumerate(jobs, start=1):
        found[job] = judge(_with(base, *job))
        _require_enough(found[job])
        on_progress(done, len(jobs))
    return {
        _with(base, sight, lids): replace(found[sight, LIDS[0]], alertness=found[SIGHTS[0], lids].alertness)
        for sight, lids in itertools.product(SIGHTS, LIDS)
    }


def _with(base: ScoringSettings, sight: tuple[float, float], lids: tuple[float, float]) -> ScoringSettings:
    within, outside = sight
    low, wide = lids
    return replace(base, attentive_within_deg=within, inattentive_from_deg=outside, lids_low=low, lids_open=wide)


def _choice_of(fitted: ScoringSettings, choices: Mapping[ScoringSettings, Judged]) -> ScoringSettings:
    names = ("attentive_within_deg", "inattentive_from_deg", "lids_low", "lids_open")
    return next(c for c in choices if all(getattr(c, name) == getattr(fitted, name) for name in names))


def _best(choices: Mapping[ScoringSettings, Judged]) -> ScoringSettings:
    """Return the fitted settings of the choice with the smallest loss."""
    fits = [_fit(judged, settings) for settings, judged in choices.items()]
    return min(fits, key=lambda fit: fit[0])[1]


def _fit(judged: Judged, settings: ScoringSettings) -> tuple[float, ScoringSettings]:
    """Return the smallest loss with these angles and openness, and the settings that have it."""
    model = _Likelihood(judged[~np.isnan(log_scores(judged, settings))], settings)
    limits = [(np.log(1e-3), np.log(LARGEST_EXPONENT))] * 3 + [(LEAST_WEIGHT, 1.0)] * 8
    found = _minimizer()(
        model.loss,
        model.start(),
        jac=True,
        method="L-BFGS-B",
        bounds=[*limits, (np.log(0.1), np.log(50.0)), (-8.0, 1.0), (-8.0, 1.0)],
        options={"maxiter": 100},
    )
    return float(found.fun), _settings(settings, np.exp(found.x[:3]), found.x[3:11])


class _Likelihood:
    """The loss of 14 numbers: logarithms of the exponents, the emotions' weights, the slope's logarithm, two cuts."""

    def __init__(self, judged: Judged, settings: ScoringSettings) -> None:
        self._judged = judged
        self._exponents, self._weights = _exponents(settings), np.array(settings.emotion_weights.as_tuple())
        self._steps = (judged.labels[:, None] >= (2, 3)).astype(float)
        counts = np.maximum(np.bincount(judged.labels, minlength=4), 1)
        self._balance = (len(judged) / 3 / counts)[judged.labels][:, None]

    def start(self) -> Numbers:
        """Return the default's numbers, with cuts among its scores."""
        scores = _log_scores(self._judged, self._exponents, self._weights)
        cuts = np.quantile(scores, [0.2, 0.6])
        return np.concatenate([np.log(self._exponents), self._weights, [np.log(4.0)], cuts])

    def loss(self, numbers: Numbers) -> tuple[float, Numbers]:
        """Return the loss of ``numbers``, and its slope in each of them."""
        exponents, weights, steepness, cuts = np.exp(numbers[:3]), numbers[3:11], np.exp(numbers[11]), numbers[12:]
        scores, by_exponent, by_weight = _slopes(self._judged, exponents, weights)
        height = steepness * (scores[:, None] - cuts)
        likelihood = self._balance * (self._steps * height - np.logaddexp(0.0, height))
        away = numbers[:3] - np.log(self._exponents), weights - self._weights
        penalty = PENALTY_EXPONENTS * np.sum(away[0] ** 2) + PENALTY_WEIGHTS * np.sum(away[1] ** 2)
        push = -self._balance * (self._steps - 1 / (1 + np.exp(-height)))
        per_score = steepness * push.sum(axis=1)
        slope = np.concatenate(
            [
                per_score @ by_exponent + 2 * PENALTY_EXPONENTS * away[0],
                per_score @ by_weight + 2 * PENALTY_WEIGHTS * away[1],
                [np.sum(push * height)],
                -steepness * push.sum(axis=0),
            ]
        )
        return float(penalty - likelihood.sum()), slope


def _settings(base: ScoringSettings, exponents: Numbers, weights: Numbers) -> ScoringSettings:
    """Return ``base`` with these exponents, of sum 1, and weights, to three places."""
    expression, attention, alertness = (round(float(value), 3) for value in exponents / exponents.sum())
    emotions = {name: round(float(value), 3) for name, value in zip(EMOTIONS, weights, strict=True)}
    return replace(
        base,
        expression_exponent=expression,
        attention_exponent=attention,
        alertness_exponent=alertness,
        emotion_weights=EmotionWeights(**emotions),
    )


def _exponents(settings: ScoringSettings) -> Numbers:
    names = ("expression_exponent", "attention_exponent", "alertness_exponent")
    return np.maximum([getattr(settings, name) for name in names], 1e-3)


def _log_scores(judged: Judged, exponents: Numbers, weights: Numbers) -> Numbers:
    return _slopes(judged, exponents, weights)[0]


def _slopes(judged: Judged, exponents: Numbers, weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return log scores ``(N,)``, and their slopes in the exponents' logarithms ``(N, 3)`` and weights ``(N, 8)``."""
    expected, top = judged.expression @ weights, int(np.argmax(weights))
    terms = np.stack([expected / weights[top], judged.attention, judged.alertness], axis=1)
    there = ~np.isnan(terms)
    logs = np.log(np.maximum(np.where(there, terms, 1.0), 1e-9))
    shares = there * exponents / np.maximum(there @ exponents, 1e-12)[:, None]
    scores = np.where(there.any(axis=1), (shares * logs).sum(axis=1), np.nan)
    by_exponent = shares * (logs - scores[:, None])
    relative = np.where(there[:, :1], judged.expression / np.where(there[:, 0], expected, 1.0)[:, None], 0.0)
    relative[:, top] -= there[:, 0] / weights[top]
    return scores, by_exponent, shares[:, :1] * relative


def _require_enough(judged: Judged) -> None:
    ends = [int((judged.labels == label).sum()) for label in (1, 3)]
    subjects = len(np.unique(judged.subjects))
    if len(judged) < LEAST_JUDGED or min(ends) < LEAST_OF_EACH or subjects < LEAST_SUBJECTS:
        raise TrainerError(
            f"too little to fit: {len(judged)} judged moments of {subjects} people, {ends[0]} disengaged and {ends[1]} "
            f"engaged; it needs {LEAST_JUDGED} of {LEAST_SUBJECTS}, {LEAST_OF_EACH} of each"
        )


def _one_thread() -> AbstractContextManager[Any]:
    """Return a block in which NumPy uses one thread: these products are too small to share."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise TrainerError("fitting needs threadpoolctl: pip install 'engage[train]'") from None
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _minimizer() -> Callable[..., Any]:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise TrainerError("fitting needs SciPy: pip install 'engage[train]'") from None
    found: Callable[..., Any] = minimize
    return found
