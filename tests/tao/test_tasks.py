"""The examples of TAO's documentation from training to the engine, on tiny images."""

import json
import tarfile

import numpy as np
import pytest

from cpose.apis.training import train
from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata
from cpose.engine.checkpoint_io import load_checkpoint_file, save_checkpoint_atomic
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.errors import CheckpointError, ConfigError
from cpose.tao.spec_file import load_spec
from cpose.tao.tasks.run import run_task
from cpose.tao.tasks.train import find_resume
from cpose.tao.translation.config_text import config_text
from cpose.tao.translation.spec_config import training_overlay

from .specs import TRAIN_EXAMPLE, make_spec

NUM_IMAGES = 4
TINY = (
    *(
        'train.num_epochs=2',
        'dataset.batch_size=2',
        'dataset.workers=0',
        'dataset.pin_memory=false',
    ),
    *('dataset.input_res=64', 'dataset.output_res=16', 'export.input_width=64'),
    *('export.input_height=64', 'wandb.enable=false'),
)
RTX = (
    *('gen_trt_engine.tensorrt.flavor=rtx', 'gen_trt_engine.tensorrt.compute_capabilities=["89"]'),
    'gen_trt_engine.tensorrt.max_batch_size=4',
)
pytestmark = pytest.mark.filterwarnings('ignore:No GPU is visible')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Images of a bike as a folder and an archive, and a spec that has been trained."""
    folder = tmp_path_factory.mktemp('tao')
    data = folder / 'data'
    assert main(['synth', str(data), '--num', str(NUM_IMAGES), '--size', '96', '128']) == 0
    for file in data.glob('*.json'):
        content = json.loads(file.read_text())
        for item in content['objects']:
            del item['symmetric']
        file.write_text(json.dumps(content))
    with tarfile.open(folder / 'val.tar.gz', 'w:gz') as archive:
        archive.add(data, 'val')
    text = TRAIN_EXAMPLE.replace('RESULTS', str(folder / 'results')).replace('TRAIN', str(data))
    (folder / 'spec.yaml').write_text(text.replace('VAL', str(folder / 'val.tar.gz')))
    run(folder, 'train')
    return folder


def spec_of(folder, task, *words):
    data = [f'dataset.test_data={folder}/data', f'dataset.inference_data={folder}/data']
    files = [
        f'{name}.checkpoint={folder}/results/train/{LATEST}'
        for name in ('evaluate', 'inference', 'export')
    ]
    files += [
        f'export.onnx_file={folder}/model.onnx',
        f'gen_trt_engine.onnx_file={folder}/model.onnx',
    ]
    files += [f'gen_trt_engine.trt_engine={folder}/model.engine']
    return load_spec(folder / 'spec.yaml', [*TINY, *data, *files, *words], task)


def run(folder, task, *words):
    return run_task(task, spec_of(folder, task, *words))


def losses(run_folder):
    (file,) = run_folder.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return [record['loss'] for record in records if 'loss' in record]


def test_layout_of_training(folder):
    results = folder / 'results/train'
    (checkpoint,) = (file for file in results.glob('*.pth') if not file.is_symlink())
    assert checkpoint.name == 'model_epoch_001_step_00004.pth'
    assert (results / LATEST).readlink().name == checkpoint.name
    assert {'experiment.yaml', 'status.json', 'centerpose.py'} <= {
        file.name for file in results.iterdir()
    }
    assert load_spec(results / 'experiment.yaml').values.train.num_epochs == 2
    assert '"SUCCESS"' in (results / 'status.json').read_text().splitlines()[-1]
    (extracted,) = (folder / 'results/data').iterdir()
    assert len(list((extracted / 'val').glob('*.json'))) == NUM_IMAGES


def test_config_of_the_spec_gives_the_same_losses(folder):
    config = folder / 'config.py'
    config.write_text(config_text(training_overlay(spec_of(folder, 'train')), 'Test.'))
    unsaved = {'default_hooks.checkpoint': None, 'default_hooks.graceful_stop': None}
    train(config, folder / 'by_config', options=unsaved)
    by_config = losses(folder / 'by_config')
    assert len(by_config) == 2
    assert by_config == losses(folder / 'results/train')


def test_evaluate(folder):
    report = run(folder, 'evaluate', 'evaluate.results_dir=' + str(folder / 'eval'))
    assert report['num_images'] == NUM_IMAGES
    text = (folder / 'eval/report.txt').read_text()
    assert all(label in text for label in ('Mean 3D IoU', 'AP @ 3D IoU', 'AP @ ADDS'))
    assert len(list((folder / 'eval').glob('log_eval_*.txt'))) == 1
    with pytest.warns(UserWarning, match='poses are compared in the frame of the annotations'):
        again = run(folder, 'evaluate', 'evaluate.opencv=true')
    np.testing.assert_equal(again['curves'], report['curves'])


def test_inference(folder):
    words = ('inference.visualization_threshold=0', 'inference.num_select=3')
    summary = run(folder, 'inference', *words)
    assert summary.images == NUM_IMAGES
    assert 0 < summary.objects <= 3 * NUM_IMAGES
    names = [file.stem for file in (folder / 'data').glob('*.json')]
    for name in names:
        content = json.loads((folder / 'results/inference' / f'{name}.json').read_text())
        assert content['frame'] == 'opencv'
        assert content['intrinsics'][0] == [615.0, 0.0, 300.7]
        assert (folder / 'results/inference' / f'{name}.jpg').is_file()


def test_inference_without_pictures_and_poses(folder):
    own = folder / 'plain'
    words = (
        'inference.use_pnp=false',
        'inference.save_visualization=false',
        'inference.opencv=false',
    )
    summary = run(folder, 'inference', f'inference.results_dir={own}', *words)
    assert summary.poses == 0
    assert not list(own.glob('*.jpg'))
    assert len(list(own.glob('cuboid*.json'))) == NUM_IMAGES


def test_inference_runs_in_one_process(folder, monkeypatch):
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    monkeypatch.setattr('torch.cuda.set_device', lambda device: None)
    with pytest.raises(ConfigError, match='inference runs in one process'):
        run(folder, 'inference', 'inference.num_gpus=2')


def test_export_and_engine(folder):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxslim')
    assert run(folder, 'export', 'export.on_cpu=true') == folder / 'model.onnx'
    metadata = read_metadata(folder / 'model.onnx')
    assert metadata.input_wh == (64, 64)
    assert metadata.class_names == ('bike',)
    pytest.importorskip('tensorrt_rtx')
    assert run(folder, 'gen_trt_engine', *RTX) == folder / 'model.engine'
    assert read_metadata(folder / 'model.engine').precision == 'fp32'


def test_export_takes_no_other_format(folder):
    with pytest.raises(ConfigError, match=r'ends in \.onnx; the format of TAO'):
        run(folder, 'export', 'export.onnx_file=x.etlt')


def test_other_backbone_than_the_checkpoint_has(folder):
    with pytest.raises(ConfigError, match=r"model_type='DLA34', but .* has the backbone FAN small"):
        run(folder, 'evaluate', 'model.backbone.model_type=DLA34')


def test_training_continues_by_itself(folder):
    spec = spec_of(folder, 'train')
    results = folder / 'results/train'
    newest = results / 'model_epoch_001_step_00004.pth'
    assert find_resume(spec, results) == newest
    assert find_resume(spec_of(folder, 'train', 'train.is_dry_run=true'), results) is None
    assert find_resume(spec, folder / 'empty') is None
    assert run(folder, 'train').checkpoint == newest


def test_checkpoint_without_state_of_training(tmp_path):
    save_checkpoint_atomic(tmp_path / 'tao.pth', {'state_dict': {}, 'epoch': 3, 'loops': {}})
    key = 'train.resume_training_checkpoint_path'
    with pytest.raises(CheckpointError, match=r'train\.pretrained_model_path'):
        find_resume(make_spec(tmp_path, f'{key}={tmp_path}/tao.pth'), tmp_path)
    with pytest.raises(ConfigError, match=r'ends in \.pth or \.tlt'):
        find_resume(make_spec(tmp_path, f'{key}=model.onnx'), tmp_path)
    (tmp_path / LATEST).symlink_to('tao.pth')
    with pytest.raises(CheckpointError, match='with another results_dir'):
        find_resume(make_spec(tmp_path), tmp_path)


def test_dry_run_saves_nothing(folder):
    own = folder / 'dry'
    result = run(
        folder, 'train', f'train.results_dir={own}', 'train.is_dry_run=true', 'dataset.val_data='
    )
    assert result.checkpoint is None
    assert result.metrics == {}
    assert not list(own.glob('*.pth'))


def test_weights_of_a_whole_model(folder):
    stored = load_checkpoint_file(folder / 'results/train' / LATEST)
    spec = spec_of(folder, 'train', f'train.pretrained_model_path={folder}/x.pth')
    assert training_overlay(spec)['load_from'] == f'{folder}/x.pth'
    assert json.loads(stored['meta']['config_json'])['model']['backbone']['arch'] == 'small'
