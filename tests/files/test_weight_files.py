"""Weights by path, package, address and repository; the Hub is a server in a thread."""

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import constants

from cpose.errors import CheckpointError
from cpose.files import weight_files
from cpose.files.user_cache import CACHE_VARIABLE
from cpose.files.weight_files import find_weights, is_location, parse_hub_name

from ..user_errors import raises
from .web_server import running_site

CONTENT = b'weights'
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = 'c0ffee' + '0' * 34


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    with running_site() as site:
        site.headers['X-Repo-Commit'] = COMMIT
        url = site.url('')
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
        monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
        monkeypatch.setattr(constants, 'ENDPOINT', url)
        yield site


def test_a_path_is_left_alone(tmp_path):
    assert find_weights(tmp_path / 'a.pth') == tmp_path / 'a.pth'
    assert str(find_weights('none.pth')) == 'none.pth'


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('https://a.org/b.pth', True),
        ('http://a.org/b.pth', True),
        ('hf:owner/name', True),
        ('package://weights', True),
        (Path('https://a.org/b.pth'), True),
        (Path('package://weights'), True),
        ('b.pth', False),
        (Path('b.pth'), False),
        ('hf.pth', False),
        (None, False),
    ],
)
def test_what_is_a_location(name, expected):
    assert is_location(name) is expected


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('hf:owner/name', ('owner/name', 'model.safetensors', None)),
        ('hf:owner/na.me-2/a/b.onnx', ('owner/na.me-2', 'a/b.onnx', None)),
        ('hf:owner/name@v1.0', ('owner/name', 'model.safetensors', 'v1.0')),
        ('hf:owner/name/b.pth@refs/pr/1', ('owner/name', 'b.pth', 'refs/pr/1')),
    ],
)
def test_names_of_the_hub(name, expected):
    assert parse_hub_name(name) == expected


@pytest.mark.parametrize('name', ['hf:', 'hf:name', 'hf:owner/', 'hf:ow ner/name'])
def test_names_that_are_none(name):
    with raises(CheckpointError, argument='name', value=name):
        parse_hub_name(name)


def test_a_repository(hub, tmp_path):
    hub.files['/owner/name/resolve/main/model.safetensors'] = CONTENT
    file = find_weights('hf:owner/name', SHA256)
    assert file.read_bytes() == CONTENT
    assert file.is_relative_to(tmp_path / 'cache' / 'hub')
    assert COMMIT in str(file)


def test_a_known_file_needs_no_request(hub):
    hub.files['/owner/name/resolve/main/model.safetensors'] = CONTENT
    file = find_weights('hf:owner/name')
    hub.requests.clear()
    assert find_weights('hf:owner/name', SHA256) == file
    assert not hub.requests
    assert find_weights('hf:owner/name') == file
    assert hub.requests


def test_a_file_of_a_revision(hub):
    hub.files['/owner/name/resolve/v2/sub/a.onnx'] = CONTENT
    assert find_weights('hf:owner/name/sub/a.onnx@v2').name == 'a.onnx'


def test_a_wrong_checksum(hub):
    hub.files['/owner/name/resolve/main/model.safetensors'] = CONTENT
    with raises(CheckpointError, SHA256, path='hf:owner/name'):
        find_weights('hf:owner/name', '0' * 64)


def test_no_such_repository(hub):
    with raises(CheckpointError, '404', path='hf:owner/name') as caught:
        find_weights('hf:owner/name')
    assert '\n' not in str(caught.value)


def test_without_a_network_the_cache_serves(hub, monkeypatch):
    hub.files['/owner/name/resolve/main/model.safetensors'] = CONTENT
    file = find_weights('hf:owner/name')
    monkeypatch.setattr(weight_files, 'why_unreachable', lambda _: 'no network')
    assert find_weights('hf:owner/name') == file
    with raises(CheckpointError, 'no network', path='hf:owner/other'):
        find_weights('hf:owner/other')


def test_offline_by_choice(hub, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    with raises(CheckpointError, 'HF_HUB_OFFLINE', path='hf:owner/name'):
        find_weights('hf:owner/name')
