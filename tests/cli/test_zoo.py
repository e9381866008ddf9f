"""``cpose zoo``, and ``--model`` in every command, with a model that was trained here."""

import json
from pathlib import Path

import pytest
import torch

from cpose.apis.metafile import read_metafile
from cpose.apis.zoo import ZOO_VARIABLE
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata
from cpose.files.user_cache import CACHE_VARIABLE

from ..apis.zoo_scenes import entry_of, write_metafile
from ..files.web_server import running_site
from .commands import MODEL

FILE = 'small.safetensors'


@pytest.fixture
def small(workplace, monkeypatch):
    """The model ``small`` in the zoo: the one of the workplace as FP16."""
    assert main(['convert', MODEL, '--out', FILE, '--half']) == 0
    facts = {'Name': 'small', 'Metadata': {'Backbone': 'test_resnet', 'Category': 'cuboid'}}
    file = write_metafile(workplace, entry_of(workplace / FILE, **facts))
    read_metafile.cache_clear()
    monkeypatch.setenv(ZOO_VARIABLE, str(file))
    monkeypatch.setenv(CACHE_VARIABLE, str(workplace / 'cache'))
    return workplace / FILE


def output_of(capsys, *words):
    capsys.readouterr()
    assert main([*words]) == 0
    return capsys.readouterr().out


def test_the_list(small, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    text = output_of(capsys, 'zoo')
    row = next(line for line in text.splitlines() if line.startswith('small '))
    for cell in ('cuboid', '64×64', '3.5', '0.81', 'Apache-2.0', 'a file'):
        assert cell in row
    assert max(map(len, text.splitlines())) <= 80
    assert 'dla34_bike' not in text
    assert 'dla34_bike' in output_of(capsys, 'zoo', '--all')


def test_the_list_as_json(small, capsys):
    models = json.loads(output_of(capsys, 'zoo', '--json'))
    (model,) = [model for model in models if model['name'] == 'small']
    assert model['weights'] == str(small)
    assert model['results'][0]['Metrics']['AP50_3DIoU'] == 0.81


def test_one_model(small, capsys):
    assert '# small' in output_of(capsys, 'zoo', 'small')
    assert json.loads(output_of(capsys, 'zoo', 'small', '--json'))['categories'] == ['cuboid']
    assert output_of(capsys, 'zoo', 'small', '--fetch').strip() == str(small)


@pytest.mark.parametrize(
    'words',
    [
        ('zoo', 'smal'),
        ('zoo', '--fetch'),
        ('zoo', '--push', 'me/small'),
        ('infer', '--model', 'smal', 'data'),
        ('infer', '--model', 'dla34_bike', 'data'),
        ('infer', '--model', 'nvlabs_centerpose', 'data'),
        ('infer', '--model', 'none.pth', 'data'),
        ('test', '--model=smal'),
        ('train', 'tiny.py', '--model', 'smal'),
        ('train', '-'),
        ('quantize', '--model', 'smal', '--out', 'a.onnx'),
        ('build-trt', '--model', 'dla34_bike', '--out', 'a.engine'),
        ('infer', '--model', 'small'),
        ('test', 'tiny.py', '--model', 'small'),
    ],
    ids=' '.join,
)
@pytest.mark.usefixtures('small')
def test_mistakes(fails, words):
    fails(*words)


def test_one_thing_at_a_time(small):
    with pytest.raises(SystemExit) as caught:
        main(['zoo', 'small', '--fetch', '--push', 'me/small'])
    assert caught.value.code == 2


def test_nearest_names_are_told(small, fails):
    assert '--model smal is no model' in fails('infer', '--model', 'smal', 'data')
    fails('infer', '--model', 'smal', 'data', says='small')


def poses(folder):
    files = sorted(Path(folder, 'json').glob('*.json'))
    return {file.name: json.loads(file.read_text())['objects'] for file in files}


@pytest.mark.slow
def test_infer_writes_what_config_and_checkpoint_give(small, capsys):
    options = ['--device', 'cpu', '--score-thr', '0.01', '--no-save-vis']
    assert main(['infer', '--model', 'small', 'data', *options]) == 0
    assert main(['infer', 'tiny.py', str(small), 'data', '--out', 'given', *options]) == 0
    assert any(poses('results').values())
    assert poses('results') == poses('given')


@pytest.mark.slow
def test_checkpoints_on_the_web(small, fails, capsys):
    options = ['data', '--device', 'cpu', '--out', 'new', '--no-save-vis']
    with running_site() as site:
        site.files['/a.safetensors'] = small.read_bytes()
        url = site.url('/a.safetensors')
        assert main(['infer', '-', url, *options]) == 0
        assert main(['infer', '--model', url, *options]) == 0
        fails('infer', '-', site.url('/b.safetensors'), *options, says='404')


@pytest.mark.slow
def test_test(small):
    assert main(['test', '--model', 'small', '--out', 'named.json', '--work-dir', 'a']) == 0
    assert main(['test', 'tiny.py', FILE, '--out', 'given.json', '--work-dir', 'b']) == 0
    named, given = (json.loads(Path(name).read_text()) for name in ('named.json', 'given.json'))
    assert named == given


@pytest.mark.slow
@pytest.mark.parametrize('config', ['tiny.py', '-'])
def test_train_starts_from_the_weights(small, config):
    still = ['optim_wrapper.optimizer.lr=0', 'custom_hooks=[]', 'param_scheduler=[]']
    words = ['--model', 'small', '--work-dir', 'new', '--cfg-options', *still]
    assert main(['train', config, *words]) == 0
    trained = torch.load('new/epoch_1.pth', weights_only=True)['state_dict']
    weights = load_checkpoint_file(small)['state_dict']
    names = [key for key in weights if key.startswith('neck.') and key.endswith('weight')]
    assert names
    assert all(trained[key].equal(weights[key].float()) for key in names)


@pytest.mark.slow
def test_load_from_takes_an_address(small):
    with running_site() as site:
        site.files['/a.safetensors'] = small.read_bytes()
        address = f'load_from={site.url("/a.safetensors")}'
        words = ['--work-dir', 'new', '--cfg-options', address, 'optim_wrapper.optimizer.lr=0']
        assert main(['train', 'tiny.py', *words]) == 0
        methods = [method for method, _ in site.requests]
    assert methods.count('GET') == 1


@pytest.mark.slow
def test_convert(small):
    assert main(['convert', '--model', 'small', '--out', 'back.pth']) == 0
    assert torch.load('back.pth', weights_only=True)['meta']['class_names'] == ['cuboid']


@pytest.mark.slow
def test_export_onnx_and_the_file_as_a_model(small, capsys):
    assert main(['export-onnx', '--model', 'small', '--out', 'small.onnx', '--opset', '17']) == 0
    words = ['infer', '--model', 'small.onnx', 'data', '--device', 'cpu', '--no-save-vis']
    assert '4 images' in output_of(capsys, *words)
    assert len(poses('results')) == 4


@pytest.mark.slow
def test_weights_are_exported_before_they_are_quantised(small, capsys):
    words = ['--out', 'half.onnx', '--precision', 'fp16', '--eval-images', '0']
    assert 'half.onnx' in output_of(capsys, 'quantize', '--model', 'small', *words)
    metadata = read_metadata('half.onnx')
    assert (metadata.precision, metadata.class_names) == ('fp16', ('cuboid',))
    assert metadata.input_wh == (64, 64)
