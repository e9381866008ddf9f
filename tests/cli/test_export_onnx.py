import sys
from pathlib import Path

import onnx
import pytest

from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata

from .commands import MODEL

EXPORT = ('export-onnx', 'tiny.py', MODEL, '--out', 'new.onnx', '--opset', '17')


def left_over():
    """Return files of an export that are not the one asked for."""
    return [str(path) for path in Path().rglob('*') if 'new.onnx' in path.name]


@pytest.mark.slow
def test_brackets_in_the_name_are_shown(workplace, capsys):
    Path('[a]').mkdir()
    words = [word.replace('new.onnx', '[a]/new.onnx') for word in EXPORT]
    assert main(words) == 0
    assert '[a]/new.onnx: ' in capsys.readouterr().out


@pytest.mark.slow
def test_writes_a_file_and_prints_the_differences(workplace, capsys):
    assert main([*EXPORT, '--images', 'data', '--triton', 'models']) == 0
    output = capsys.readouterr().out
    for word in ('PyTorch on noise and 4 pictures of data', 'raw maps', 'hm_hp', 'opset 17'):
        assert word in output
    assert read_metadata('new.onnx').class_names == ('cuboid',)
    assert Path('models/new/1/model.onnx').read_bytes() == Path('new.onnx').read_bytes()
    assert 'name: "new"' in Path('models/new/config.pbtxt').read_text()
    assert left_over() == ['new.onnx']


@pytest.mark.slow
def test_config_of_the_checkpoint_and_options(workplace):
    words = ['export-onnx', '-', MODEL, '--out', 'new.onnx', '--opset', '16', '--half']
    sizes = ['--height', '96', '--width', '128', '--batch', '2', '--bake-preprocessing']
    assert main([*words, *sizes, '--simplify']) == 0
    graph = onnx.load('new.onnx').graph
    dims = [axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim]
    assert dims == [2, 3, 96, 128]
    metadata = read_metadata('new.onnx')
    assert (metadata.precision, metadata.input_encoding) == ('fp16', 'rgb_0_1')
    assert metadata.input_wh == (128, 96)


def test_preset(workplace, monkeypatch):
    chosen = []

    def export(config, checkpoint, out, settings, *values):
        chosen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr('cpose.apis.export.model_export.export_model', export)
    assert main([*EXPORT, '--preset', 'isaac-ros']) == 130
    settings = chosen[0]
    assert (settings.input_wh, settings.batch, settings.is_baked) == ((512, 512), 1, True)
    assert main([*EXPORT, '--height', '128']) == 130
    assert chosen[1].input_wh == (64, 128), 'the width of the config'
    assert (chosen[1].batch, chosen[1].is_baked) == (None, False)


@pytest.mark.slow
def test_existing_files(fails, workplace):
    Path('new.onnx').write_bytes(b'old')
    fails(*EXPORT, says=['new.onnx exists', '--force'])
    assert main([*EXPORT, '--force']) == 0
    assert Path('new.onnx').stat().st_size > 1000
    Path('models/new/1').mkdir(parents=True)
    Path('models/new/1/model.onnx').write_bytes(b'old')
    fails(*EXPORT, '--triton', 'models', says=['model.onnx exists', '--force'])


WRONG = {
    'opset': (['--opset', '9'], ['--opset 9', '16, 17, 18']),
    'height': (['--height', '100'], ['--width and --height 64 100', '96']),
    'width': (['--width', '33'], ['--width and --height 33 64']),
    'small': (
        ['--height', '32', '--width', '32'],
        ['--width and --height 32 32', '64 cells', '100 detections'],
    ),
    'batch': (['--batch', '0'], ['--batch 0']),
    'no folder': (['--out', 'nowhere/new.onnx'], ['there is no folder nowhere']),
    'ending': (['--out', 'new.engine'], ['--out new.engine', '.onnx']),
    'folder': (['--out', 'data.onnx'], ['data.onnx is a folder']),
    'triton': (['--triton', 'tiny.py'], ['tiny.py/new/1 cannot be made']),
    'preset': (
        ['--preset', 'isaac-ros', '--batch', '4'],
        ['--batch 4', 'isaac-ros means 1', '--preset'],
    ),
    'picture': (['--images', 'nothing.png'], ['nothing.png']),
    'checkpoint': (['--cfg-options', 'model.head.head_conv=32'], [MODEL, 'does not fit']),
}


@pytest.mark.parametrize('case', WRONG)
def test_bad_input(fails, case):
    words, says = WRONG[case]
    Path('data.onnx').mkdir()
    fails(*EXPORT, *words, says=says)
    assert not left_over()


def test_read_only_folder(fails, monkeypatch):
    monkeypatch.setattr('os.access', lambda path, mode: False)
    fails(*EXPORT, says=['new.onnx cannot be written: no right to write in .'])


@pytest.mark.parametrize('package', ['onnx', 'onnxruntime', 'onnxslim', 'onnxscript'])
def test_missing_package(fails, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    fails(*EXPORT, says=[f'package {package} is not installed', "pip install 'cpose[deploy]'"])
    assert not left_over()


@pytest.mark.slow
def test_a_graph_that_differs(fails, monkeypatch):
    monkeypatch.setattr('cpose.deploy.onnx.verify.MAP_BOUNDS', {'fp32': 0.0})
    fails(*EXPORT, says=['raw maps', '--opset', '--simplify', '--half'])
    assert not left_over()
