"""A config that contradicts the model file beside it is told, and what holds."""

import json
import warnings

import pytest
import torch

from cpose.apis.builder import build_model, resolve_config
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.deploy.model_metadata import write_engine_sidecar

from ..deploy.small_models import small_metadata
from .inference_scenes import INPUT_WH, tiny_config

DATA, HEAD, PIXELS = 'test_dataloader.dataset', 'model.head', 'model.data_preprocessor'
FILES = ('tiny.pth', 'tiny.engine')


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A checkpoint, an engine whose metadata alone is read, and their config as a file."""
    monkeypatch.chdir(tmp_path)
    config = tiny_config()
    torch.save(
        {
            'state_dict': build_model(config).state_dict(),
            'meta': {CONFIG_KEY: config_to_json(config)},
        },
        FILES[0],
    )
    config.dump('tiny.py')
    (tmp_path / FILES[1]).write_bytes(b'engine')
    metadata = small_metadata(json.loads(config_to_json(config)), input_wh=INPUT_WH)
    profile = {'min': 1, 'opt': 1, 'max': 1}
    write_engine_sidecar(FILES[1], metadata, profile, flavor='rtx')
    return tmp_path


def told(config, file, options):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        resolve_config(config, file, options=options)
    return [str(item.message) for item in found]


@pytest.mark.parametrize('file', FILES)
@pytest.mark.parametrize('config', ['-', 'tiny.py'])
def test_the_same_tells_nothing(place, config, file):
    assert told(config, file, {}) == []
    assert told(config, file, {f'{HEAD}.postprocessor': {'infer_score_thr': 0.5}}) == []


CHOSEN = [
    (f'{DATA}.metainfo.category', 'box', "metainfo.category='box'", "'cup'"),
    (f'{DATA}.input_wh', [96, 96], 'input_wh=[96, 96]', str(list(INPUT_WH))),
    (f'{PIXELS}.mean', [0.5, 0.5, 0.5], f'{PIXELS}.mean=', '[0.4, 0.45, 0.5]'),
    (f'{PIXELS}.channel_order', 'rgb', f'{PIXELS}.channel_order=', "'bgr'"),
]


@pytest.mark.parametrize(('key', 'value', 'says', 'known'), CHOSEN)
def test_another_config_for_a_checkpoint_holds(place, key, value, says, known):
    (text,) = told('tiny.py', 'tiny.pth', {key: value})
    assert says in text
    assert f'tiny.pth has {known}. The config holds' in text
    assert told('-', 'tiny.pth', {key: value}) == []  # an override says what it wants


FIXED = [
    (f'{PIXELS}.mean', [0.5, 0.5, 0.5], '[0.4, 0.45, 0.5]'),
    (f'{HEAD}.num_classes', 2, '1'),
    (f'{HEAD}.codec', {'num_select': 20}, '100'),
    ('model.neck.out_stride', 8, '4'),
]


@pytest.mark.parametrize('config', ['-', 'tiny.py'])
@pytest.mark.parametrize(('key', 'value', 'known'), FIXED)
def test_an_exported_graph_holds(place, config, key, value, known):
    (text,) = told(config, 'tiny.engine', {key: value})
    assert f'config key {key}' in text
    assert f'tiny.engine has {known}. The file holds' in text


def test_a_file_that_cannot_be_read_is_left_to_what_opens_it(place):
    (place / 'tiny.pth').write_bytes(b'no checkpoint')
    assert told('tiny.py', 'tiny.pth', {f'{DATA}.input_wh': [96, 96]}) == []
    assert told('tiny.py', 'missing.pth', {}) == []
