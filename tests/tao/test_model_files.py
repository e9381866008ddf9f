"""What a model file knows holds in every command, whatever runs it."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.checkpoints.stored_config import CONFIG_KEY
from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata
from cpose.errors import ConfigError
from cpose.tao.tasks import evaluate, export
from cpose.tao.translation.file_config import config_for_file
from cpose.tao.translation.model_file import ModelFile

from ..apis.inference_scenes import write_box_model
from ..user_errors import raises
from .specs import make_spec

SIDE = 64
FILES = ('crate.pth', 'crate.onnx')
NUM_IMAGES = 4

pytestmark = pytest.mark.filterwarnings('ignore:No GPU is visible')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Images, a checkpoint that finds crates in many places, and the same as ONNX."""
    folder = tmp_path_factory.mktemp('files')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        size = ('--size', str(SIDE), str(SIDE))
        assert main(['synth', 'data', '--num', str(NUM_IMAGES), *size]) == 0
        write_crate_model(FILES[0])
        words = (f'export.checkpoint={FILES[0]}', f'export.onnx_file={FILES[1]}')
        assert run_tao('export', *words) == 0
    return folder


def write_crate_model(path):
    """Write a checkpoint with settings of its own in its config."""
    write_box_model(path)
    content = load_checkpoint_file(path)
    content['state_dict']['head.branches.outputs.scale.out.bias'][:] = torch.tensor([0.6, 1, 0.8])
    config = json.loads(content['meta'][CONFIG_KEY])
    dataset = config['test_dataloader']['dataset']
    dataset['input_wh'] = [SIDE, SIDE]
    dataset['metainfo'] = {
        'category': 'crate',
        'symmetry': {'type': 'CuboidSymmetry'},
        'eval_num_symmetry': 3,
    }
    config['train_dataloader'] = {'dataset': {**dataset, 'data_root': 'training'}}
    config['model']['head']['postprocessor'] = {
        'type': 'PosePostprocessor',
        'eval_score_thr': 0.01,
        'infer_score_thr': 0.02,
        'dims_refiner': {'type': 'ReprojectedDims', 'point_sigma': 0.05, 'dims_sigma': 0.25},
    }
    config['test_evaluator']['protocol']['min_score'] = 0.01
    content['meta'][CONFIG_KEY] = json.dumps(config)
    save_checkpoint_atomic(path, content)


@pytest.fixture
def workplace(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def run_tao(task, *words):
    Path('spec.yaml').write_text(
        'dataset: {test_data: data, inference_data: data, batch_size: 1, workers: 0}'
    )
    return main(['tao', task, '-e', 'spec.yaml', 'results_dir=results', *words])


def numbers(node):
    """Return all numbers of nested dicts and lists, NaN for what is not there."""
    if isinstance(node, dict):
        return [number for key in sorted(node) for number in numbers(node[key])]
    if isinstance(node, list):
        return [number for item in node for number in numbers(item)]
    return [np.nan if node is None else float(node)] if not isinstance(node, str) else []


@pytest.mark.slow
def test_one_path_for_scores(workplace):
    pytest.importorskip('onnxruntime')
    found = []
    for file in FILES:
        words = ['--dump', 'dump.json', '--work-dir', 'test', '--data-root', 'data']
        assert main(['test', '-', file, *words]) == 0
        assert run_tao('evaluate', f'evaluate.checkpoint={file}') == 0
        dumps = [Path('dump.json'), Path('results/evaluate/predictions.json')]
        by_test, by_tao = (json.loads(dump.read_text()) for dump in dumps)
        assert by_test == by_tao
        assert by_tao['dataset_meta']['category'] == ['crate']
        found.append(by_tao['images'])
    refined = [item for image in found[0] for item in image['predictions'] if item['keypoints_gl']]
    assert refined
    np.testing.assert_allclose(numbers(found[1]), numbers(found[0]), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_one_path_for_poses(workplace):
    pytest.importorskip('onnxruntime')
    found = []
    for file in FILES:
        assert main(['infer', '-', file, 'data', '--out', 'poses']) == 0
        assert run_tao('inference', f'inference.checkpoint={file}') == 0
        by_infer, by_tao = (
            [json.loads(result.read_text()) for result in sorted(Path(place).glob('cuboid*.json'))]
            for place in ('poses/json', 'results/inference')
        )
        assert by_infer == by_tao
        assert len(by_tao) == NUM_IMAGES
        found.append(by_tao)
    objects = [item for image in found[0] for item in image['objects']]
    assert {item['class'] for item in objects} == {'crate'}
    assert any(item['location'] for item in objects)
    assert any(item['relative_scale'][1] != 1 for item in objects)
    np.testing.assert_allclose(numbers(found[1]), numbers(found[0]), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_export_takes_what_the_checkpoint_knows(workplace):
    metadata = read_metadata('crate.onnx')
    assert metadata.class_names == ('crate',)
    assert metadata.input_wh == (SIDE, SIDE)
    assert json.loads(metadata.symmetry) == {'type': 'CuboidSymmetry'}
    assert json.loads(metadata.config)['train_dataloader']['dataset']['data_root'] == 'training'


def config_of(file, *words, task='evaluate', section=''):
    """Return the config of a task, and what the warnings say."""
    text = f'results_dir: r\ndataset: {{test_data: data{section}}}\n'
    spec = make_spec('.', *words, values=text)
    overlays = {'evaluate': evaluate.evaluate_overlay, 'export': export.export_overlay}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        config = config_for_file(ModelFile(spec, task, Path(file)), overlays[task])
    return config, [str(item.message) for item in told]


@pytest.mark.slow
@pytest.mark.parametrize('file', FILES)
def test_what_the_spec_does_not_say_is_the_files(workplace, file):
    config, told = config_of(file)
    dataset = config.test_dataloader.dataset
    assert not told
    assert dataset.metainfo.category == 'crate'
    assert dataset.metainfo.symmetry.type == 'CuboidSymmetry'
    assert dataset.metainfo.eval_num_symmetry == 3
    assert list(dataset.input_wh) == [SIDE, SIDE]
    assert dataset.on_error == 'skip'
    assert config.model.backbone.name == 'test_resnet'
    assert config.test_evaluator.protocol.min_score == 0.01
    assert config.load_tensors_only


@pytest.mark.slow
@pytest.mark.parametrize('file', FILES)
def test_the_same_words_tell_nothing(workplace, file):
    words = ('dataset.category=crate', f'dataset.input_res={SIDE}', 'model.head_conv=32')
    assert config_of(file, *words, 'evaluate.eval_num_symmetry=3')[1] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ('word', 'known', 'place', 'value'),
    [
        ('dataset.category=box', "'crate'", 'metainfo.category', 'box'),
        ('dataset.num_symmetry=4', "'CuboidSymmetry()'", 'metainfo.symmetry.order', 4),
        ('dataset.num_symmetry=1', "'CuboidSymmetry()'", 'metainfo.symmetry.type', 'NoSymmetry'),
        ('evaluate.eval_num_symmetry=1', '3', 'metainfo.eval_num_symmetry', 1),
        ('dataset.input_res=96', str(SIDE), 'input_wh', [96, 96]),
    ],
)
def test_what_the_spec_says_holds_and_is_told(workplace, word, known, place, value):
    config, (told,) = config_of(FILES[0], word)
    key = word.partition('=')[0]
    assert f'Command line: {key}=' in told
    assert f'crate.pth has {known}' in told
    assert 'The spec holds' in told
    assert look_up(config.test_dataloader.dataset, place) == value


def look_up(node, place):
    for part in place.split('.'):
        node = node[part]
    return node


@pytest.mark.slow
@pytest.mark.parametrize(
    ('file', 'word', 'known'),
    [
        (FILES[0], 'model.head_conv=64', '32'),
        (FILES[0], 'model.down_ratio=8', '4'),
        (FILES[0], 'model.use_convGRU=false', 'True'),
        (FILES[0], 'dataset.center_3D=true', 'False'),
        (FILES[1], 'dataset.mean=[0.5,0.5,0.5]', '['),
        (FILES[1], 'dataset.input_res=96', str(SIDE)),
        (FILES[1], 'model.backbone.model_type=DLA34', "'TimmBackbone test_resnet'"),
    ],
)
def test_what_the_file_fixes_stays_and_is_told(workplace, file, word, known):
    before = config_of(file)[0]
    config, (told,) = config_of(file, word)
    assert f'{file} has {known}' in told
    assert 'The file holds' in told
    assert config.to_dict() == before.to_dict()


@pytest.mark.slow
def test_other_backbone_than_a_checkpoint_has(workplace):
    key = 'model.backbone.model_type'
    with raises(ConfigError, 'TimmBackbone test_resnet', spec_key=key, value='DLA34'):
        config_of(FILES[0], f'{key}=DLA34')


@pytest.mark.slow
def test_line_of_the_spec_is_named(workplace):
    _, (told,) = config_of(FILES[0], section=', category: cereal_box')
    assert told.startswith('Spec spec.yaml, line 2: dataset.category=')


@pytest.mark.slow
def test_size_of_an_export(workplace):
    config, told = config_of(FILES[0], task='export')
    assert (list(config.test_dataloader.dataset.input_wh), told) == ([SIDE, SIDE], [])
    config, (told,) = config_of(FILES[0], 'export.input_width=96', task='export')
    assert list(config.test_dataloader.dataset.input_wh) == [96, SIDE]
    assert 'export.input_width=96' in told


@pytest.mark.slow
def test_several_categories_have_no_one_name(workplace):
    content = load_checkpoint_file(FILES[0])
    config = json.loads(content['meta'][CONFIG_KEY])
    config['test_dataloader']['dataset']['metainfo'] = {
        'category': ['chair', 'crate'],
        'symmetry': {'type': 'NoSymmetry'},
    }
    content['meta'][CONFIG_KEY] = json.dumps(config)
    save_checkpoint_atomic('two.pth', content)
    found, (told,) = config_of('two.pth', 'dataset.num_symmetry=4')
    assert found.test_dataloader.dataset.metainfo.category == ['chair', 'crate']
    assert 'The file holds' in told
    with raises(ConfigError, 'chair, crate', spec_key='dataset.category', value='crate'):
        config_of('two.pth', 'dataset.category=crate')
    found, told = config_of('two.pth', 'dataset.category=[chair,crate]')
    assert (found.test_dataloader.dataset.metainfo.category, told) == (['chair', 'crate'], [])
    swapped = ['crate', 'chair']
    with raises(ConfigError, 'chair, crate', spec_key='dataset.category', value=swapped):
        config_of('two.pth', 'dataset.category=[crate,chair]')
    found, (told,) = config_of(
        'two.pth', 'dataset.category=[chair,crate]', 'dataset.num_symmetry=[3,1]'
    )
    symmetry = found.test_dataloader.dataset.metainfo.symmetry
    assert [item['type'] for item in symmetry] == ['RotationalSymmetry', 'NoSymmetry']
    assert 'The spec holds' in told


@pytest.mark.slow
@pytest.mark.parametrize('backbone', ['dla34', 'fan_small'])
def test_network_of_weights_without_a_config(tmp_path, monkeypatch, backbone):
    monkeypatch.chdir(tmp_path)
    options = {'model.head.head_conv': 32, 'model.head.use_association': False}
    model = build_model(load_config(f'_base_/models/{backbone}.py', options))
    save_checkpoint_atomic('tao.pth', {'state_dict': model.state_dict()})
    config, told = config_of('tao.pth', 'dataset.category=bike')
    name = {'dla34': 'DLA34', 'fan_small': 'FAN'}[backbone]
    assert (config.model.backbone.type, config.model.head.head_conv) == (name, 32)
    assert not config.model.head.use_association
    assert config.test_dataloader.dataset.metainfo.category == 'bike'
    assert not told
    key, other = 'model.backbone.model_type', {'dla34': 'fan_small', 'fan_small': 'DLA34'}
    with raises(ConfigError, spec_key=key, value=other[backbone]):
        config_of('tao.pth', f'{key}={other[backbone]}')
