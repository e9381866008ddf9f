"""The examples of TAO's documentation from training to the engine, on tiny images."""

import json
import shutil

import numpy as np
import pytest

from cpose.apis.training import train
from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.errors import CheckpointError, ConfigError, DataError
from cpose.files.encrypted_file import is_encrypted, sealed_bytes
from cpose.files.encryption_key import use_key
from cpose.models.backbones.fan import ARCHS
from cpose.tao.spec.schema import job_schema
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.tasks import inference
from cpose.tao.tasks.train import find_resume
from cpose.tao.translation.spec_config import overlay_text, training_overlay

from ..user_errors import raises
from .bike_example import NUM_IMAGES, RTX, TINY, TINY_FAN, TRT, make_example, run, spec_of
from .specs import make_spec

CALIBRATION_BYTES = 300e6
"""Shared memory in which the builder puts an engine for int8."""

pytestmark = pytest.mark.filterwarnings('ignore:No GPU is visible')


@pytest.fixture(scope='module', autouse=True)
def _tiny_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHS, 'small', TINY_FAN)
        yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The example, trained."""
    folder = tmp_path_factory.mktemp('tao')
    make_example(folder)
    run(folder, 'train')
    return folder


def losses(run_folder):
    file = min(run_folder.glob('*/vis_data/scalars.json'))  # of the first run
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return [record['loss'] for record in records if 'loss' in record]


@pytest.mark.slow
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


@pytest.mark.slow
def test_config_of_the_spec_gives_the_same_losses(folder):
    config = folder / 'config.py'
    config.write_text(overlay_text(training_overlay(spec_of(folder, 'train')), 'Test.'))
    unsaved = {'default_hooks.checkpoint': None, 'default_hooks.graceful_stop': None}
    train(config, folder / 'by_config', options=unsaved)
    by_config = losses(folder / 'by_config')
    assert len(by_config) == 2
    assert by_config == losses(folder / 'results/train')


@pytest.mark.slow
def test_evaluate(folder):
    report = run(folder, 'evaluate', 'evaluate.results_dir=' + str(folder / 'eval'))
    assert report['num_images'] == NUM_IMAGES
    text = (folder / 'eval/report.txt').read_text()
    assert all(label in text for label in ('Mean 3D IoU', 'AP @ 3D IoU', 'AP @ ADDS'))
    assert len(list((folder / 'eval').glob('log_eval_*.txt'))) == 1
    with pytest.warns(UserWarning, match='poses are compared in the frame of the annotations'):
        again = run(folder, 'evaluate', 'evaluate.opencv=true')
    np.testing.assert_equal(again['curves'], report['curves'])


@pytest.mark.slow
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


@pytest.mark.slow
def test_inference_leaves_the_device_to_what_runs_the_file(folder, monkeypatch):
    class ChosenError(Exception):
        pass

    def build(config, file, device):
        raise ChosenError(device)

    monkeypatch.setattr(inference, 'CenterPoseInferencer', build)
    with pytest.raises(ChosenError, match='None'):
        run(folder, 'inference')


@pytest.mark.slow
def test_default_of_the_schema_runs(tmp_path, folder, capsys):
    (tmp_path / 'spec.json').write_text(json.dumps(job_schema('train')['default']))
    words = [f'results_dir={tmp_path}', f'dataset.train_data={folder}/data', *TINY]
    command = ['tao', 'train', '-e', str(tmp_path / 'spec.json'), *words]
    assert main([*command, 'train.is_dry_run=true']) == 0
    assert capsys.readouterr().out.endswith('Execution status: PASS\n')


@pytest.mark.slow
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


@pytest.mark.slow
def test_inference_runs_in_one_process(folder, monkeypatch):
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    monkeypatch.setattr('torch.cuda.set_device', lambda device: None)
    with raises(ConfigError, 'one process', spec_key='inference.num_gpus', value=2):
        run(folder, 'inference', 'inference.num_gpus=2')


@pytest.fixture(scope='module')
def exported(folder):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxslim')
    file = run(folder, 'export', 'export.on_cpu=true', 'export.input_width=96')
    assert file == folder / 'model.onnx'
    return file


@pytest.mark.slow
def test_export_and_engine(folder, exported):
    metadata = read_metadata(exported)
    assert metadata.input_wh == (96, 64)
    assert metadata.class_names == ('bike',)
    words = [
        f'{task}.{key}={folder}/{name}'
        for task in ('evaluate', 'inference')
        for key, name in (('checkpoint', 'model.onnx'), ('results_dir', 'onnx'))
    ]
    assert run(folder, 'evaluate', *words)['num_images'] == NUM_IMAGES
    last = json.loads((folder / 'onnx/status.json').read_text().splitlines()[-1])
    assert last['status'] == 'SUCCESS'
    assert float(last['kpi']['test_3DIoU']) >= 0
    assert run(folder, 'inference', *words).images == NUM_IMAGES
    pytest.importorskip('tensorrt_rtx')
    assert run(folder, 'gen_trt_engine', *RTX) == folder / 'model.engine'
    assert read_metadata(folder / 'model.engine').precision == 'fp32'


@pytest.mark.slow
def test_engine_in_int8_with_a_key(folder, exported):
    pytest.importorskip('tensorrt_rtx')
    free = shutil.disk_usage('/dev/shm').free
    if free < CALIBRATION_BYTES:
        pytest.skip(f'/dev/shm has {free / 1e6:.0f} MB free of {CALIBRATION_BYTES / 1e6:.0f} MB')
    with use_key('secret'):
        (folder / 'sealed.onnx').write_bytes(sealed_bytes(exported.read_bytes()))
    words = [
        *RTX,
        'encryption_key=secret',
        f'gen_trt_engine.onnx_file={folder}/sealed.onnx',
        f'gen_trt_engine.trt_engine={folder}/sealed.engine',
        f'{TRT}.data_type=int8',
        f'{TRT}.layers_precision=["/network/backbone/blocks*:fp32","*:int8"]',
        f'{TRT}.calibration.cal_image_dir=[{folder}/data]',
        f'{TRT}.calibration.cal_cache_file={folder}/ranges.json',
        f'{TRT}.calibration.cal_batch_size=2',
    ]
    key = f'{TRT}.calibration.cal_batches'
    size = f'{TRT}.calibration.cal_batch_size'
    with raises(DataError, '18 images in 9 batches', spec_key=size, where='Command line') as caught:
        run(folder, 'gen_trt_engine', *words, f'{key}=9')
    assert key in str(caught.value)
    engine = run(folder, 'gen_trt_engine', *words, f'{TRT}.calibration.cal_batches=2')
    assert is_encrypted(engine)
    assert read_metadata(engine).precision == 'int8'
    assert (folder / 'ranges.json').is_file()
    with raises(CheckpointError, 'another key'):
        run(folder, 'gen_trt_engine', *words, 'encryption_key=guessed')
    results = folder / 'results/gen_trt_engine'
    last = json.loads((results / 'status.json').read_text().splitlines()[-1])
    assert (last['status'], 'another key' in last['message']) == ('FAILURE', True)
    assert all('secret' not in file.read_text() for file in results.iterdir() if file.is_file())


@pytest.mark.slow
def test_export_takes_no_other_format(folder):
    with raises(ConfigError, '.onnx', spec_key='export.onnx_file', value='x.etlt'):
        run(folder, 'export', 'export.onnx_file=x.etlt')


@pytest.mark.slow
def test_other_backbone_than_the_checkpoint_has(folder):
    key = 'model.backbone.model_type'
    with raises(ConfigError, 'fan_small', spec_key=key, value='DLA34'):
        run(folder, 'evaluate', 'model.backbone.model_type=DLA34')


@pytest.mark.slow
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
    with raises(CheckpointError, spec_key=key, value=f'{tmp_path}/tao.pth') as caught:
        find_resume(make_spec(tmp_path, f'{key}={tmp_path}/tao.pth'), tmp_path)
    assert 'train.pretrained_model_path' in caught.value.advice[0]
    with raises(ConfigError, '.pth or .tlt', spec_key=key, value='model.onnx'):
        find_resume(make_spec(tmp_path, f'{key}=model.onnx'), tmp_path)
    (tmp_path / LATEST).symlink_to('tao.pth')
    with raises(CheckpointError, path=tmp_path / LATEST) as caught:
        find_resume(make_spec(tmp_path), tmp_path)
    assert 'results_dir' in caught.value.advice[0]


@pytest.mark.slow
def test_dry_run_saves_nothing(folder):
    own = folder / 'dry'
    result = run(
        folder, 'train', f'train.results_dir={own}', 'train.is_dry_run=true', 'dataset.val_data='
    )
    assert result.checkpoint is None
    assert result.metrics == {}
    assert not list(own.glob('*.pth'))


@pytest.mark.slow
def test_weights_of_a_whole_model(folder):
    stored = load_checkpoint_file(folder / 'results/train' / LATEST)
    spec = spec_of(folder, 'train', f'train.pretrained_model_path={folder}/x.pth')
    assert training_overlay(spec)['load_from'] == f'{folder}/x.pth'
    assert json.loads(stored['meta']['config_json'])['model']['backbone']['arch'] == 'small'
