"""From names to files; the web and the Hub are servers in a thread."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from cpose.apis.builder import build_model, resolve_config
from cpose.apis.config.load import load_config
from cpose.apis.export.model_export import export_model
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.metafile import read_metafile
from cpose.apis.zoo import ZOO_VARIABLE
from cpose.apis.zoo_files import choose_files, push_model, resolve_model
from cpose.deploy.onnx.export import ExportSettings
from cpose.errors import CheckpointError, ConfigError, OutputError
from cpose.files.user_cache import CACHE_VARIABLE

from ..files.web_server import Site, running_site
from ..user_errors import raises
from .inference_scenes import tiny_config
from .zoo_scenes import entry_of, write_metafile, write_weights

COMMIT = 'c0ffee' + '0' * 34


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    write_weights(folder)
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of the files of `write_weights`, and a cache."""
    for file in trained.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'cache'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def add(folder, monkeypatch):
    """Put the model into the zoo."""

    def add(**changes):
        file = write_metafile(folder, entry_of(folder / 'tiny.safetensors', **changes))
        read_metafile.cache_clear()
        monkeypatch.setenv(ZOO_VARIABLE, str(file))

    return add


def test_a_name(folder, add):
    add()
    assert resolve_model('tiny') == (folder / 'tiny.safetensors', None)


def test_a_name_of_a_file_without_a_config(folder, add):
    content = (folder / 'own.pth').read_bytes()
    (folder / 'tiny.safetensors').unlink()
    (folder / 'own.pth').rename(folder / 'weights.pth')
    (folder / 'tiny.safetensors').write_bytes(content)  # for the size and the checksum
    add(Weights='weights.pth', Config='tiny.py')
    found = resolve_model('tiny')
    assert found == (folder / 'weights.pth', str(folder / 'tiny.py'))
    assert build_model(*reversed(found)).head.num_classes == 1


def test_changed_weights(folder, add):
    add(SHA256='0' * 64)
    with raises(CheckpointError, '0' * 64, path=folder / 'tiny.safetensors'):
        resolve_model('tiny')


def test_missing_weights(folder, add):
    add()
    (folder / 'tiny.safetensors').unlink()
    with raises(CheckpointError, path=folder / 'tiny.safetensors'):
        resolve_model('tiny')


@pytest.mark.parametrize('name', ['none.pth', 'sub/none'])
def test_missing_files(folder, name):
    with raises(CheckpointError, path=name):
        resolve_model(name)


@pytest.mark.parametrize('name', ['dla34_bike', 'nvlabs_centerpose', 'dla34_bik'])
def test_names_without_weights(name):
    with raises(ConfigError, argument='model', value=name):
        resolve_model(name)


def test_a_model_of_your_own_is_trained_by_its_config(folder, add):
    add(Weights=None, SHA256=None, Bytes=None, Config='tiny.py')
    with raises(ConfigError, argument='model', value='tiny') as caught:
        resolve_model('tiny')
    assert f'cpose train {folder / "tiny.py"}`' in caught.value.advice[0]


def test_a_file(folder):
    assert resolve_model('tiny.safetensors') == (Path('tiny.safetensors'), None)
    (folder / 'renamed').write_bytes((folder / 'own.pth').read_bytes())
    assert resolve_model('renamed') == (Path('renamed'), None)


def test_a_file_beside_a_broken_zoo(folder, monkeypatch):
    (folder / 'broken.yml').write_text('Models: 3')
    monkeypatch.setenv('CPOSE_ZOO', str(folder / 'broken.yml'))
    assert resolve_model('tiny.safetensors').path == Path('tiny.safetensors')
    with raises(ConfigError, path=folder / 'broken.yml'):
        resolve_model('tiny')


def test_the_web(folder, add):
    with running_site() as site:
        site.files['/tiny.safetensors'] = (folder / 'tiny.safetensors').read_bytes()
        add(Weights=site.url('/tiny.safetensors'))
        (folder / 'tiny.safetensors').unlink()
        path = resolve_model('tiny').path
        assert path.is_relative_to(folder / 'cache')
    assert resolve_model('tiny').path == path
    assert resolve_config(None, path).model.head.head_conv == 32


def test_the_inferencer_takes_a_name(folder, add):
    add()
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    named = CenterPoseInferencer(model='tiny')
    given = CenterPoseInferencer(tiny_config(), folder / 'tiny.safetensors')
    (one,), (other,) = ([*run(picture, (75, 75, 40, 30), score_thr=0.05)] for run in (named, given))
    assert named.categories == ('cup',)
    assert [pose.score for pose in one.poses] == [pose.score for pose in other.poses]


def test_a_model_goes_without_config_and_checkpoint():
    with raises(ConfigError, argument='model', value='tiny'):
        choose_files('dla34_bike', None, 'tiny')
    assert choose_files('dla34_bike', None, None) == ('dla34_bike', None)


class Hub(Site):
    """As much of the Hugging Face Hub as it takes to upload and to download."""

    def post(self, path, body):
        if path == '/api/repos/create':
            return 200, {'url': self.url('/me/tiny'), 'id': 'me/tiny'}
        if path == '/api/validate-yaml':
            return 200, {'errors': [], 'warnings': []}
        if path == '/api/models/me/tiny/preupload/main':
            names = [item['path'] for item in json.loads(body)['files']]
            modes = [{'path': n, 'uploadMode': 'regular', 'shouldIgnore': False} for n in names]
            return 200, {'files': modes}
        if path == '/api/models/me/tiny/commit/main':
            for line in map(json.loads, body.splitlines()):
                if line['key'] == 'file':
                    content = base64.b64decode(line['value']['content'])
                    self.files[f'/me/tiny/resolve/main/{line["value"]["path"]}'] = content
            url = self.url('/me/tiny/commit/1')
            return 200, {'commitUrl': url, 'commitOid': COMMIT, 'success': True}
        return super().post(path, body)


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    monkeypatch.setenv('HF_TOKEN', 'hf_test')
    with running_site(Hub) as site:
        site.headers['X-Repo-Commit'] = COMMIT
        url = site.url('')
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
        monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
        monkeypatch.setattr(constants, 'ENDPOINT', url)
        yield site


def test_up_to_the_hub_and_back(folder, add, hub):
    add()
    assert push_model('tiny', 'me/tiny').endswith('/commit/1')
    card = hub.files['/me/tiny/resolve/main/README.md'].decode()
    assert 'license: apache-2.0' in card
    assert 'cpose infer --model hf:me/tiny PHOTO' in card
    assert '| shelf | photographs | 0.81 |' in card
    path = resolve_model('hf:me/tiny').path
    assert path.read_bytes() == (folder / 'tiny.safetensors').read_bytes()
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        models = [build_model(None, file) for file in ('hf:me/tiny', path)]
        maps = [model(images, mode='tensor')['hm'] for model in models]
    assert maps[0].equal(maps[1])


def test_a_file_of_ones_own(folder, hub):
    push_model('tiny.safetensors', 'me/tiny', license_name='MIT')
    card = hub.files['/me/tiny/resolve/main/README.md'].decode()
    assert 'license: mit' in card
    assert '| category | cup |' in card


@pytest.mark.slow
def test_an_exported_file_of_ones_own(folder, hub):
    export_model(load_config('tiny.py'), 'own.pth', 'tiny.onnx', ExportSettings((64, 64), opset=17))
    push_model('tiny.onnx', 'me/tiny')
    card = hub.files['/me/tiny/resolve/main/README.md'].decode()
    assert '| category | cup |' in card
    assert '| input | 64×64 |' in card
    assert 'cpose infer --model hf:me/tiny/model.onnx PHOTO' in card


def test_what_is_not_uploaded(folder, hub):
    with raises(CheckpointError, path='own.pth'):
        push_model('own.pth', 'me/tiny')
    with raises(OutputError, path='hf:other/tiny'):
        push_model('tiny.safetensors', 'other/tiny')
    assert not hub.files
