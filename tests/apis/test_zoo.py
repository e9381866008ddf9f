"""What metafiles say, and which are refused."""

import hashlib
from pathlib import Path

import pytest
import yaml

import cpose
from cpose.apis import metafile
from cpose.apis.metafile import MAIN_METRIC, read_metafile, shipped_metafile
from cpose.apis.zoo import (
    TABLE_HEADER,
    ZOO_VARIABLE,
    find_model,
    hub_header,
    list_models,
    model_card,
    table_row,
)
from cpose.error_places import FilePlace
from cpose.errors import ConfigError
from cpose.evaluation.metric_table import PRIMARY_NUMBER
from cpose.files.weight_files import is_location
from cpose.shipped_configs import configs_root

from ..user_errors import raises
from .zoo_scenes import FACTS, write_metafile

SHA256 = 'ab' * 32
WEIGHTS = {'Weights': 'tiny.safetensors', 'SHA256': SHA256, 'Bytes': 1_250_000}
ENTRY = {**FACTS, **WEIGHTS}


PUBLISHED = {'By': 'me', 'URL': 'https://a.org', 'Convert': 'cpose convert a.pth'}
SPEED, RESULT = FACTS['Speed'][0], FACTS['Results'][0]
SPEED_PLACE = 'Models[0].Speed[0].Milliseconds'
METRICS_PLACE = 'Models[0].Results[0].Metrics'


@pytest.fixture(autouse=True)
def _fresh():
    read_metafile.cache_clear()


def read(folder, *entries):
    return read_metafile(write_metafile(folder, *entries))


def test_shipped_configs_are_all_listed():
    root = configs_root()
    models = [model for model in read_metafile(shipped_metafile()) if model.config]
    listed = [Path(model.config) for model in models if not model.weights]
    assert {Path(model.config) for model in models} == set(listed)
    assert sorted(listed) == sorted((root / 'centerpose').glob('*.py'))


def test_shipped_facts_agree_with_the_configs():
    for model in read_metafile(shipped_metafile()):
        if model.config and not model.weights:
            assert Path(model.config).stem == model.name
        if model.tao:
            text = Path(model.config).read_text()
            assert f'models/{model.backbone}.py' in text
            assert f'categories/{model.categories[0]}.py' in text


def test_shipped_weights_are_those_described():
    for model in read_metafile(shipped_metafile()):
        if model.weights and not is_location(model.weights):
            content = Path(model.weights).read_bytes()
            assert len(content) == model.num_bytes
            assert hashlib.sha256(content).hexdigest() == model.sha256


def test_shipped_figures_have_the_metric_of_the_tables():
    assert MAIN_METRIC == PRIMARY_NUMBER
    for model in read_metafile(shipped_metafile()):
        for item in model.results:
            assert 0 <= item['Metrics'][MAIN_METRIC] <= 1


def test_an_entry(tmp_path):
    (model,) = read(tmp_path, {**ENTRY, 'Config': 'tiny.py'})
    assert model.config == str(tmp_path / 'tiny.py')
    assert model.weights == str(tmp_path / 'tiny.safetensors')
    assert model.categories == ('cup',)
    assert model.input_wh == (64, 64)
    assert model.metric('shelf') == 0.81
    assert model.metric('drawn', 'mean_3DIoU') is None
    assert model.metric('other') is None
    assert model.origin == 'a file'


@pytest.mark.parametrize(
    ('weights', 'origin', 'address'),
    [('https://a.org/b.pth', 'download', 'https://a.org/b.pth'), ('hf:a/b', 'download', 'hf:a/b')],
)
def test_locations_stay_as_they_are(tmp_path, weights, origin, address):
    (model,) = read(tmp_path, {**ENTRY, 'Weights': weights})
    assert (model.weights, model.origin, model.address) == (weights, origin, address)


def test_rows_tell_the_mean_over_the_sets_of_photographs(tmp_path):
    more = {'Dataset': 'floor', 'Photographs': True, 'Metrics': {'AP50_3DIoU': 0.5}}
    entry = {**ENTRY, 'Results': [*ENTRY['Results'], more]}
    plain = {'Name': 'plain', 'Metadata': {'Backbone': 'a', 'Category': ['cup', 'mug']}}
    models = read(tmp_path, entry, plain)
    expected = ['tiny', 'cup', '64×64', '1.2', '3.5', '0.66', 'Apache-2.0', 'a file']
    assert len(TABLE_HEADER) == len(expected)
    assert table_row(models[0]) == expected
    assert table_row(models[1]) == ['plain', 'cup, mug', *['–'] * 6]


def test_a_card_has_everything(tmp_path):
    (model,) = read(tmp_path, {**ENTRY, 'Notes': 'For tests.'})
    card = model_card(model)
    for text in ('# tiny', '| shelf | photographs | 0.81 | 0.66 |', '| drawn | synthetic | 0.95 |'):
        assert text in card
    for text in (
        '1.2 MB',
        f'`{SHA256}`',
        'a test',
        'For tests.',
        '--model tiny PHOTO',
        'manual_seed',
    ):
        assert text in card
    assert '--model hf:a/b PHOTO' in model_card(model, 'hf:a/b')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('Apache-2.0', {'license': 'apache-2.0'}), ('My own', {'license_name': 'My own'})],
)
def test_the_header_of_a_card_is_yaml(tmp_path, name, expected):
    (model,) = read(tmp_path, {**ENTRY, 'License': name})
    _, text, rest = hub_header(model).split('---\n')
    content = yaml.safe_load(text)
    assert expected.items() <= content.items()
    assert 'cup' in content['tags']
    assert rest == ''


def without(*keys):
    return {key: value for key, value in ENTRY.items() if key not in keys}


@pytest.mark.parametrize(
    ('entry', 'field', 'problem'),
    [
        (without('Name'), 'Models[0]', 'Name'),
        (without('SHA256'), 'Models[0]', 'SHA256'),
        ({**ENTRY, 'Metdata': 1}, 'Models[0]', 'Metdata'),
        ({**ENTRY, 'Metadata': {'Backbone': 'a'}}, 'Models[0].Metadata', 'Category'),
        ({**ENTRY, 'Speed': [{'Milliseconds': 3}]}, 'Models[0].Speed[0]', 'Runtime'),
        ({**ENTRY, 'Results': {'a': 1}}, 'Models[0].Results', 'list'),
        (without('Command', *WEIGHTS), 'Models[0].Results', 'Command'),
        ({**ENTRY, 'Published': {'By': 'me'}}, 'Models[0].Published', 'URL'),
        ('tiny', 'Models[0]', ''),
        ({**ENTRY, 'SHA256': 12345}, 'Models[0].SHA256', '64'),
        ({**ENTRY, 'Bytes': '9 MB'}, 'Models[0].Bytes', ''),
        ({**ENTRY, 'Input': 320}, 'Models[0].Input', ''),
        ({**ENTRY, 'Input': [320]}, 'Models[0].Input', ''),
        ({**ENTRY, 'License': None}, 'Models[0].License', ''),
        ({**ENTRY, 'Speed': [{**SPEED, 'Milliseconds': 'fast'}]}, SPEED_PLACE, ''),
        ({**ENTRY, 'Results': [{**RESULT, 'Metrics': {'AP': 'good'}}]}, METRICS_PLACE, ''),
        ({**ENTRY, 'Results': [{**RESULT, 'Metrics': 0.5}]}, METRICS_PLACE, ''),
        ({**ENTRY, 'Results': [{**RESULT, 'Metrics': {50: 0.5}}]}, METRICS_PLACE, 'text'),
        ({**ENTRY, 'Results': [{**RESULT, 'Dataset': 7}]}, 'Models[0].Results[0].Dataset', ''),
        (
            {**ENTRY, 'Results': [{**RESULT, 'Photographs': 'no'}]},
            *('Models[0].Results[0].Photographs', 'true or false'),
        ),
        ({**ENTRY, 'Speed': [{**SPEED, 'Machine': None}]}, 'Models[0].Speed[0].Machine', ''),
        (
            {**ENTRY, 'Metadata': {'Backbone': 34, 'Category': 'a'}},
            'Models[0].Metadata.Backbone',
            '',
        ),
        (
            {**ENTRY, 'Metadata': {'Backbone': 'a', 'Category': [1]}},
            'Models[0].Metadata.Category',
            '',
        ),
        ({**ENTRY, 'Published': {**PUBLISHED, 'URL': 5}}, 'Models[0].Published.URL', ''),
    ],
)
def test_entries_that_are_refused(tmp_path, entry, field, problem):
    with raises(ConfigError, problem, path=tmp_path / 'metafile.yml', field=field):
        read(tmp_path, entry)


@pytest.mark.parametrize('content', [b'Models: 3', b'a: [', b'\xff\xfe\x00', b'- 3'])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / 'metafile.yml').write_bytes(content)
    with raises(ConfigError, path=tmp_path / 'metafile.yml'):
        read_metafile(tmp_path / 'metafile.yml')


def test_a_zoo_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / 'more').mkdir()
    first = write_metafile(tmp_path, ENTRY)
    second = write_metafile(tmp_path / 'more', {**ENTRY, 'Name': 'other'})
    monkeypatch.setenv(ZOO_VARIABLE, f'{first}:{second}')
    assert [model.name for model in list_models()][-2:] == ['tiny', 'other']
    assert find_model('other').metafile == second
    assert find_model('dla34_bike').config
    with raises(ConfigError, argument='model', value='tyni') as caught:
        find_model('tyni')
    assert 'tiny' in caught.value.advice[0]


def test_names_are_unique(tmp_path, monkeypatch):
    file = write_metafile(tmp_path, {**ENTRY, 'Name': 'dla34_bike'})
    monkeypatch.setenv(ZOO_VARIABLE, str(file))
    with raises(ConfigError, value='dla34_bike', place=FilePlace(file, 'Name')):
        list_models()


def test_a_metafile_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv(ZOO_VARIABLE, str(tmp_path / 'none.yml'))
    with raises(ConfigError, path=tmp_path / 'none.yml'):
        list_models()


def test_shipped_weights_are_found_in_the_package(tmp_path, monkeypatch):
    entry = {**ENTRY, 'Weights': 'cpose/weights/tiny.safetensors', 'Config': 'configs/a.py'}
    file = write_metafile(tmp_path, entry)
    monkeypatch.setattr(metafile, 'shipped_metafile', lambda: file)
    (model,) = read_metafile(file)
    assert Path(model.weights) == Path(cpose.__file__).parent / 'weights' / 'tiny.safetensors'
    assert Path(model.config) == configs_root() / 'a.py'
    assert model.origin == 'in the package'
