import json

import numpy as np
import pytest

from cpose.deploy.quantization.calibration_cache import (
    CalibrationKey,
    key_of,
    read_cache,
    write_cache,
)
from cpose.errors import ConfigError

from ...user_errors import raises
from ..small_models import noise_batches, small_model

KEY = CalibrationKey('m', 'i', 'minmax')
RANGES = {'a': (-1.0, 2.5), 'b': (0.0, 0.0)}


def test_a_new_file_gives_nothing(tmp_path):
    assert read_cache(tmp_path / 'c.json', KEY) == (None, f'{tmp_path / "c.json"} is new')


def test_ranges_come_back_for_the_same_inputs(tmp_path):
    file = tmp_path / 'c.json'
    write_cache(file, KEY, RANGES)
    ranges, reason = read_cache(file, KEY)
    assert ranges == RANGES
    assert reason.endswith('fits model, images and method')


@pytest.mark.parametrize(
    ('key', 'changed'),
    [
        (CalibrationKey('x', 'i', 'minmax'), 'model'),
        (CalibrationKey('m', 'x', 'minmax'), 'images'),
        (CalibrationKey('x', 'i', 'other'), 'model and method'),
    ],
)
def test_other_inputs_make_it_invalid(tmp_path, key, changed):
    file = tmp_path / 'c.json'
    write_cache(file, KEY, RANGES)
    assert read_cache(file, key) == (None, f'{file} was made with other {changed}')


@pytest.mark.parametrize(
    'content',
    [
        '',
        'TRT-8601-EntropyCalibration2\n',
        '[]',
        '{"format": "cpose calibration cache 1", "key": {}, "ranges": {"a": [0]}}',
        '{"format": "cpose calibration cache 1", "key": {}, "ranges": {"a": [0, null]}}',
        json.dumps({'format': 'cpose calibration cache 0', 'key': {}, 'ranges': {}}),
    ],
)
def test_another_file_is_refused_and_kept(tmp_path, content):
    file = tmp_path / 'c.json'
    file.write_text(content)
    with raises(ConfigError, argument='cache'):
        read_cache(file, KEY)
    assert file.read_text() == content


@pytest.mark.slow
def test_the_key_depends_on_weights_pixels_and_method():
    model, batches = small_model()[0], noise_batches(2, 2)
    key = key_of(model, batches, 'minmax')
    assert key == key_of(small_model()[0], [np.concatenate(batches)], 'minmax')
    other = [batches[0], batches[1] + np.eye(64, dtype=np.float32)]
    assert key_of(model, other, 'minmax').images != key.images
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[::-1]
    assert key_of(model, batches, 'minmax').model != key.model
