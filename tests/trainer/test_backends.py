"""The table of backends: every row against PyTorch, a split that was learnt refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engage.inference.backends.source import Precision
from tests.trainer.conftest import write_split
from trainer.backends import compare_backends
from trainer.data import load_split
from trainer.errors import TrainerError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split in ("FER2013Valid", "FER2013Train"):
        write_split(tmp_path, split, 16)
    return tmp_path


def test_every_backend_has_a_row_and_float32_names_alike(data: Path) -> None:
    rows = compare_backends(None, load_split(data, "FER2013Valid"), images=12, precisions=(Precision.FP32,))
    assert rows[0].offer == "torch-fp32" and {"onnxruntime-fp32", "openvino-fp32"} <= {row.offer for row in rows}
    for row in rows:
        assert (row.problem, row.n, row.same_answer) == ("", 12, 1.0)
        assert row.accuracy == rows[0].accuracy and row.largest_difference < 1e-3


def test_a_split_that_was_learnt_is_refused(data: Path) -> None:
    with pytest.raises(TrainerError, match="trained on FER2013Train"):
        compare_backends(None, load_split(data, "FER2013Train"))
