"""The campaign tells what happened; a short one finds nothing."""

import json
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from cpose.errors import DataError

from .campaign import (
    MOST_SECONDS,
    Clock,
    Outcome,
    Worker,
    attack,
    prepare,
    read_log,
)
from .mutations import spoil_bytes, spoil_tree
from .targets import TARGETS

SEED = 1
CHEAP = {
    **{'detections': 60, 'cameras': 60, 'images': 60, 'specs': 15, 'annotations': 15},
    **{'annotation page': 25, 'scenes and scales': 100},
}


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


def test_waiting_for_what_never_comes_counts():
    clock = Clock(os.getpid())
    time.sleep(0.5)
    assert 0.3 < clock.read() <= 0.7


def test_a_machine_that_stood_still_does_not_count():
    clock = Clock(os.getpid())
    clock.last -= 100
    assert clock.read() <= 2


def test_waiting_for_a_processor_does_not_count(tmp_path):
    clock = Clock(os.getpid())
    clock.file = tmp_path / 'schedstat'
    clock.file.write_text(f'0 {int((clock.queued + 1.5) * 1e9)} 1')
    clock.last -= 1.5
    assert clock.read() < 0.1


def test_preparing_is_not_timed():
    worker = Worker.__new__(Worker)
    worker.process = SimpleNamespace(pid=os.getpid())
    worker.pipe = SimpleNamespace(send=lambda _: None, recv=lambda: None)
    worker.start(('images', 1))
    worker.clock.seconds = MOST_SECONDS + 1
    assert worker.collect(is_ready=False) is None
    assert worker.collect(is_ready=True) is None
    assert (worker.most, worker.task) == (MOST_SECONDS, ('images', 1))
    assert worker.clock.seconds == 0


def test_a_log_is_read_up_to_its_last_whole_line(tmp_path):
    file = tmp_path / 'log.jsonl'
    assert read_log(file, SEED) == []
    outcomes = [Outcome('images', number, 'refused', 'cut', 0.5) for number in range(2)]
    lines = [json.dumps([SEED, *outcome]) for outcome in outcomes]
    file.write_text('\n'.join([*lines, json.dumps([2, *outcomes[0]]), lines[0][:9]]))
    assert read_log(file, SEED) == outcomes


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
