"""The paper's classical systems, by scikit-learn: gray values in, one of eight classes out.

A face is shrunk to ``side_px`` and laid flat. Networks' features take the same way (``head`` systems), without being
shrunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import Image
from trainer.errors import TrainerError

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClassicalConfig:
    """A classical system: features, a decomposition where ``components`` is above 0, a classifier."""

    method: str
    """"qda", "tree", "forest", "bagging" or "svm"."""
    side_px: int = 48
    components: int = 0
    """Principal components kept, at most as many as there are images."""
    shrinkage: float = 0.0
    """Of QDA: share of the pooled variance in each class's covariance, which has more numbers than the class images."""
    trees: int = 0
    depth: int | None = None
    seed: int = 1


def flatten(images: Image, side_px: int) -> Features:
    """Return ``(N, side_px ** 2)`` gray values 0-1 of ``(N, 48, 48)`` images, shrunk by area means."""
    small = [cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA) for image in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float32) / np.float32(255)


def build(config: ClassicalConfig, samples: int) -> Any:
    """Return the unfitted scikit-learn pipeline of ``config`` for ``samples`` images.

    Raises TrainerError where scikit-learn is not installed, or for an unknown method.
    """
    try:
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline
    except ImportError:
        raise TrainerError("the classical systems need scikit-learn: pip install 'engage[train]'") from None
    if config.method not in METHODS:
        raise TrainerError(f"no method '{config.method}'; there are {', '.join(METHODS)}")
    classifier = METHODS[config.method](config)
    if not config.components:
        return make_pipeline(classifier)
    reduced = PCA(min(config.components, samples - 1), whiten=True, svd_solver="randomized", random_state=config.seed)
    return make_pipeline(reduced, classifier)


def numbers_learnt(pipeline: Any) -> int:
    """Return how many numbers a fitted pipeline holds: means, axes and covariances, nodes of trees, support vectors."""
    return sum(_count(step) for _, step in pipeline.steps)


def _count(step: Any) -> int:
    if hasattr(step, "estimators_"):
        return sum(_count(estimator) for estimator in step.estimators_)
    if hasattr(step, "tree_"):
        return int(step.tree_.node_count)
    if hasattr(step, "support_vectors_"):
        return int(step.support_vectors_.size + step.dual_coef_.size)
    if hasattr(step, "components_"):
        return int(step.components_.size + step.mean_.size)
    classes, features = step.means_.shape
    return int(classes * (features + features * (features + 1) // 2))


def _qda(config: ClassicalConfig) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    return QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=config.shrinkage)


def _tree(config: ClassicalConfig) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=config.depth, random_state=config.seed)


def _forest(config: ClassicalConfig) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(config.trees, max_depth=config.depth, random_state=config.seed)


def _bagging(config: ClassicalConfig) -> Any:
    from sklearn.ensemble import BaggingClassifier

    return BaggingClassifier(_tree(config), n_estimators=config.trees, max_features=0.1, random_state=config.seed)


def _svm(config: ClassicalConfig) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", random_state=config.seed)


METHODS: Mapping[str, Callable[[ClassicalConfig], Any]] = {
    "qda": _qda,
    "tree": _tree,
    "forest": _forest,
    "bagging": _bagging,
    "svm": _svm,
}
