"""The contract of ExpressionClassifier, over every implementation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engage.core.protocols import ExpressionClassifier
from engage.core.types import CROP_SIZE_PX, EMOTIONS
from engage.inference.classifier import load
from tests.contracts.backends import ONNX, backed

CLASSIFIERS: dict[str, Callable[[], ExpressionClassifier]] = {"torch": load, "backed": lambda: backed(ONNX)}


@pytest.fixture(scope="module", params=CLASSIFIERS)
def classifier(request: pytest.FixtureRequest) -> ExpressionClassifier:
    return CLASSIFIERS[request.param]()


def crops(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)


@pytest.mark.parametrize("n", [0, 1, 2, 33, 70])
def test_rows_are_probabilities_in_fer_order(classifier: ExpressionClassifier, n: int) -> None:
    found = classifier.predict(crops(n))
    assert found.shape == (n, len(EMOTIONS)) and found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_a_row_depends_on_its_crop_alone(classifier: ExpressionClassifier) -> None:
    batch = crops(40)
    whole = classifier.predict(batch)
    np.testing.assert_allclose(whole[7:8], classifier.predict(batch[7:8]), atol=1e-4)
    np.testing.assert_allclose(whole[::-1], classifier.predict(batch[::-1]), atol=1e-4)


def test_crops_are_not_changed(classifier: ExpressionClassifier) -> None:
    batch = crops(3)
    classifier.predict(batch)
    np.testing.assert_array_equal(batch, crops(3))


@pytest.mark.parametrize("shape", [(48, 48), (1, 47, 48), (1, 1, 48, 48), (0,)])
def test_another_shape_is_refused(classifier: ExpressionClassifier, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="48"):
        classifier.predict(np.zeros(shape, np.uint8))


def test_another_dtype_is_refused(classifier: ExpressionClassifier) -> None:
    with pytest.raises(ValueError, match="uint8"):
        classifier.predict(np.zeros((1, 48, 48), np.float32))  # type: ignore[arg-type]


def test_it_has_a_name(classifier: ExpressionClassifier) -> None:
    assert classifier.name
