"""ONNX files and engines in the place of a checkpoint: the same options, the same results."""

import json
from pathlib import Path

import onnx
import pytest
import torch

from cpose.apis.builder import build_model, resolve_config
from cpose.apis.training import evaluate
from cpose.checkpoints.stored_config import config_to_json
from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata, write_engine_sidecar
from cpose.deploy.onnx.export import ExportSettings, make_onnx

from ..deploy.small_models import small_metadata
from .commands import MODEL, replaced

CAMERA = ('--camera', '75', '75', '32', '32')
SIZE = 64


@pytest.fixture(scope='session')
def onnx_file(trained):
    """The trained model as an ONNX file."""
    checkpoint = trained / 'run' / 'epoch_1.pth'
    config = resolve_config('-', checkpoint)
    model = build_model(config, checkpoint)
    pixels = model.data_preprocessor
    metadata = small_metadata(
        json.loads(config_to_json(config)),
        input_wh=(SIZE, SIZE),
        mean=pixels.mean,
        std=pixels.std,
        channel_order=pixels.channel_order,
    )
    path = trained / 'tiny.onnx'
    onnx.save(make_onnx(model, ExportSettings((SIZE, SIZE), opset=17), metadata), str(path))
    return path


@pytest.fixture
def place(workplace, onnx_file):
    (workplace / 'tiny.onnx').write_bytes(onnx_file.read_bytes())
    return workplace


def numbers_of(report):
    return {name: value for name, value in report.items() if isinstance(value, int | float)}


@pytest.mark.slow
def test_same_evaluation(place):
    expected = evaluate('-', MODEL, work_dir='a')
    assert expected['num_images'] == 4
    for config, options in (('-', {}), ('tiny.py', {'test_dataloader.batch_size': 3})):
        report = evaluate(config, 'tiny.onnx', work_dir='b', options=options)
        assert numbers_of(report) == pytest.approx(numbers_of(expected), abs=2e-3, nan_ok=True)
    assert 'ONNX Runtime' in next(Path('b').rglob('*.log')).read_text()


@pytest.mark.slow
def test_weights_averaged_in_training(place):
    options = {'custom_hooks': [{'type': 'EMAHook'}]}
    reports = [evaluate('-', file, work_dir='a', options=options) for file in (MODEL, 'tiny.onnx')]
    assert numbers_of(reports[1]) == pytest.approx(numbers_of(reports[0]), abs=2e-3, nan_ok=True)


@pytest.mark.slow
def test_options_of_test(place, capsys):
    outputs = ('--dump', 'dump.json', '--plot', 'plot.png', '--out', 'onnx.json')
    words = ('--work-dir', 'w', '--data-root', 'data', *outputs)
    assert main(['test', '-', 'tiny.onnx', *words]) == 0
    assert json.loads(Path('onnx.json').read_text())['num_images'] == 4
    assert Path('plot.png').stat().st_size > 0
    assert main(['evaluate', 'dump.json', '--out', 'again.json']) == 0
    again = json.loads(Path('again.json').read_text())
    assert again['AP50_3DIoU'] == json.loads(Path('onnx.json').read_text())['AP50_3DIoU']
    assert 'AP50_3DIoU' in capsys.readouterr().out


def objects_of(path):
    return json.loads(path.read_text())['objects']


@pytest.mark.slow
@pytest.mark.parametrize(
    'words',
    [
        CAMERA,
        ('--no-pnp', '--batch-size', '3'),
        (*CAMERA, '--frame', 'objectron', '--no-save-vis'),
    ],
    ids=['camera', 'no pnp', 'frame'],
)
def test_same_files_of_infer(place, capsys, words):
    written = {}
    for model in (MODEL, 'tiny.onnx'):
        out = Path('of_' + Path(model).suffix[1:])
        options = ('--out', out, '--score-thr', '0.06', *words)
        assert main([str(word) for word in ('infer', '-', model, 'data', *options)]) == 0
        written[model] = out
    assert 'ONNX Runtime' in capsys.readouterr().out
    names = {
        model: sorted(str(path.relative_to(out)) for path in out.rglob('*.*'))
        for model, out in written.items()
    }
    assert names[MODEL] == names['tiny.onnx']
    for path in written[MODEL].glob('json/*.json'):
        found = objects_of(written['tiny.onnx'] / 'json' / path.name)
        expected = objects_of(path)
        assert len(found) == len(expected) > 0
        for item, wanted in zip(found, expected, strict=True):
            assert item['score'] == pytest.approx(wanted['score'], abs=1e-4)
            assert item['bbox'] == pytest.approx(wanted['bbox'], abs=1e-2)
            assert (item['location'] is None) == (wanted['location'] is None)


def cut(path):
    path.write_bytes(Path('tiny.onnx').read_bytes()[:20_000])


def strip(path):
    proto = onnx.load('tiny.onnx')
    del proto.metadata_props[:]
    onnx.save(proto, str(path))


def aim_at_tensorrt(path):
    proto = onnx.load('tiny.onnx')
    for entry in proto.metadata_props:
        if entry.key == 'cpose.quantize_target':
            entry.value = 'tensorrt'
    onnx.save(proto, str(path))


def make_engine(path):
    path.write_bytes(b'engine')
    profile = {'min': 1, 'opt': 1, 'max': 1}
    write_engine_sidecar(path, read_metadata('tiny.onnx'), profile, flavor='rtx')


REFUSALS = {
    'missing': ('bad.onnx', lambda path: None, 'bad.onnx'),
    'truncated': ('bad.onnx', cut, 'bad.onnx is not'),
    'foreign': ('bad.onnx', strip, ['bad.onnx is not a model exported by cpose', 'bboxes']),
    'other target': ('bad.onnx', aim_at_tensorrt, ['bad.onnx', 'quantised for tensorrt']),
    'engine alone': ('bad.plan', lambda path: path.write_bytes(b'a'), 'bad.plan.json'),
    'no GPU': ('bad.engine', make_engine, ['bad.engine is a TensorRT engine', 'an NVIDIA GPU']),
}


@pytest.mark.slow
@pytest.mark.parametrize('case', REFUSALS)
def test_refusals(place, fails, monkeypatch, case):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    name, make, says = REFUSALS[case]
    make(Path(name))
    for command in ('test', 'infer'):
        fails(*replaced(command, MODEL, name), says=says)
        words = ['-' if word == 'tiny.py' else word for word in replaced(command, MODEL, name)]
        fails(*words, says=says)


@pytest.mark.slow
def test_more_refusals_of_infer(place, fails):
    words = replaced('infer', MODEL, 'tiny.onnx')
    fails(*words, '--device', 'cuda:99', says='--device cuda:99 is not there')
    size = 'test_dataloader.dataset.input_wh=[96,96]'
    fails(*words, '--cfg-options', size, says=['takes images of 64×64', '(96, 96)'])
    fails(
        *words,
        '--cfg-options',
        'runtime.providers=[NoProvider]',
        says="providers='NoProvider' (config key runtime.providers)",
    )


def test_batch_of_the_file(place, fails):
    proto = onnx.load('tiny.onnx')
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, 'one.onnx')
    says = ['one.onnx takes batches of 1 images, not of 2']
    fails(*replaced('test', MODEL, 'one.onnx'), says=says)
    fails(*replaced('infer', MODEL, 'one.onnx'), '--batch-size', '2', says=says[0])


def test_size_of_test(place, fails):
    size = 'test_dataloader.dataset.input_wh=[96,96]'
    fails(*replaced('test', MODEL, 'tiny.onnx'), '--cfg-options', size, says='takes images of')
