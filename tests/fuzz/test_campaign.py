"""The campaign tells what happened; a short one finds nothing."""

import numpy as np
import pytest

from cpose.errors import DataError

from .campaign import attack, prepare
from .mutations import spoil_bytes, spoil_tree
from .targets import TARGETS

SEED = 1
CHEAP = {'detections': 60, 'cameras': 60, 'images': 60, 'specs': 15, 'annotations': 15}


class Raises:
    def __init__(self, error):
        self.error = error

    def attack(self, rng):
        raise self.error


class Returns:
    def __init__(self, value):
        self.value = value

    def attack(self, rng):
        return self.value


@pytest.mark.parametrize(
    ('target', 'kind'),
    [
        (Raises(DataError('is wrong')), 'refused'),
        (Raises(KeyError('x')), 'traceback'),
        (Raises(SystemExit(2)), 'traceback'),
        (Returns(True), 'accepted'),
        (Returns(False), 'changed'),
    ],
)
def test_what_happened_is_told(target, kind):
    assert attack('images', 0, SEED, target).kind == kind


def test_an_input_depends_on_seed_and_number_alone():
    tree = {'a': [1, 2, {'b': 3}], 'c': 'd'}
    for spoil, given in ((spoil_bytes, b'some bytes'), (spoil_tree, tree)):
        first, again, other = (
            [repr(spoil(np.random.default_rng(seed), given)) for seed in seeds]
            for seeds in (range(20), range(20), range(20, 40))
        )
        assert first == again != other
    assert tree == {'a': [1, 2, {'b': 3}], 'c': 'd'}


@pytest.mark.slow
@pytest.mark.parametrize('name', CHEAP)
def test_damaged_inputs_are_read_or_refused(name, tmp_path):
    prepared = prepare(name, tmp_path)
    outcomes = [attack(name, number, SEED, prepared) for number in range(CHEAP[name])]
    faults = [outcome for outcome in outcomes if outcome.kind not in ('accepted', 'refused')]
    assert faults == []
    assert any(outcome.kind == 'refused' for outcome in outcomes)


def test_every_reader_is_there():
    assert {'annotations', 'images', 'cameras', 'checkpoints', 'onnx', 'dumps', 'specs'} <= set(
        TARGETS
    )
