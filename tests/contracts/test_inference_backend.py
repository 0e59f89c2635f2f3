"""The contract of InferenceBackend, over every backend and precision that this machine has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage.core.signals import SignalArrays
from engage.core.types import EMOTIONS
from engage.errors import ModelError
from engage.inference.answers import SIGNALS
from engage.inference.backed import BackedClassifier
from engage.inference.backends.measuring import TOLERANCES, differences
from engage.inference.backends.registry import Offer
from engage.inference.backends.source import Precision
from engage.inference.classifier import Classifier, load
from tests.contracts.backends import OFFERS, backed, probe

EXACT = {"expression": 1e-4, "angle_deg": 1e-2, "share": 1e-3, "box_shift": 1e-3}
"""How far float32 may be from PyTorch's, which adds in another order."""


@pytest.fixture(scope="module")
def reference() -> Classifier:
    return load()


@pytest.fixture(scope="module")
def answers(reference: Classifier) -> SignalArrays:
    return reference.signals(probe())


@pytest.fixture(scope="module", params=OFFERS, ids=str)
def offer(request: pytest.FixtureRequest) -> Offer:
    offer: Offer = request.param
    return offer


@pytest.fixture(scope="module")
def classifier(offer: Offer) -> BackedClassifier:
    try:
        return backed(offer)
    except ModelError as error:
        pytest.skip(str(error))


def test_it_answers_as_pytorch_does_in_float32(
    offer: Offer, classifier: BackedClassifier, answers: SignalArrays
) -> None:
    apart = differences(classifier.signals(probe()), answers)
    allowed = EXACT if offer.precision is Precision.FP32 else TOLERANCES
    assert all(apart[name] <= allowed[name] for name in allowed), apart


@pytest.mark.parametrize("size", [1, 7, 32])
def test_batches_of_any_size_have_a_row_per_crop(classifier: BackedClassifier, size: int) -> None:
    crops = np.resize(probe(), (size, 48, 48))
    features, signals = classifier.backend.run(crops)
    assert features.shape == (size, 512) and features.dtype == np.float32
    assert signals is not None and signals.shape == (size, len(SIGNALS)) and signals.dtype == np.float32


def test_a_row_depends_on_its_crop_alone(offer: Offer, classifier: BackedClassifier) -> None:
    crops = probe()[:9]
    tolerance = 0.05 if offer.precision is Precision.BF16 else 1e-4
    np.testing.assert_allclose(classifier.predict(crops)[8:], classifier.predict(crops[8:]), atol=tolerance)


def test_answers_stay_when_the_next_batch_is_asked_for(classifier: BackedClassifier) -> None:
    first = classifier.backend.run(probe()[:2])[0]
    kept = first.copy()
    classifier.backend.run(probe()[2:4])
    np.testing.assert_array_equal(first, kept)


def test_read_only_and_strided_crops_are_taken_and_not_changed(classifier: BackedClassifier) -> None:
    mirrored = probe()[:2, :, ::-1]
    mirrored.flags.writeable = False
    np.testing.assert_array_equal(classifier.predict(mirrored), classifier.predict(mirrored.copy()))


def test_no_crops_give_no_rows(classifier: BackedClassifier) -> None:
    nothing = np.empty((0, 48, 48), np.uint8)
    assert classifier.predict(nothing).shape == (0, len(EMOTIONS))
    assert classifier.signals(nothing).yaw_deg.shape == (0,)


def test_where_it_is_not_wanted_the_expression_head_is_not_evaluated(classifier: BackedClassifier) -> None:
    calls: list[int] = []

    def head(features: np.ndarray) -> np.ndarray:
        calls.append(len(features))
        return classifier.head(features)

    watched = replace(classifier, head=head)  # type: ignore[arg-type]
    assert watched.signals(probe()[:3], expression=False).expression is None and calls == []
    assert watched.signals(probe()[:3]).expression is not None and calls == [3]


def test_its_name_says_what_computes_and_how(offer: Offer, classifier: BackedClassifier) -> None:
    assert classifier.backend.name == str(offer)
