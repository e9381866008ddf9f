import io
import random

import numpy as np
import torch

from cpose.checkpoints.training_state import from_plain, to_plain
from cpose.engine.resuming import (
    capture_random_state,
    preserved_random_state,
    restore_random_state,
)


def draw():
    return [random.gauss(0, 1), np.random.normal(), torch.randn(1).item(), random.random()]


def test_state_survives_a_file():
    draw()
    file = io.BytesIO()
    torch.save(to_plain(capture_random_state()), file)
    expected = [draw() for _ in range(3)]
    file.seek(0)
    restore_random_state(from_plain(torch.load(file, weights_only=True)))
    assert [draw() for _ in range(3)] == expected


def test_preserved():
    before = capture_random_state()
    with preserved_random_state():
        first = draw()
    assert draw() == first
    restore_random_state(before)
    assert draw() == first
