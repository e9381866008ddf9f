import platform
from importlib.util import find_spec

import onnx
import pytest
import torch

from cpose.apis.export import engine_building
from cpose.cli.main import main
from cpose.deploy.engines import flavors
from cpose.deploy.engines.flavors import Flavor
from cpose.deploy.model_metadata import read_engine_sidecar

from ..deploy.engines.fake_tensorrt import make_module
from ..deploy.small_models import small_model, write_small_model


def run(capsys, *words):
    code = main(['build-trt', *map(str, words)])
    return code, *capsys.readouterr()


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec('tensorrt_rtx') is None,
    reason=f'tensorrt-rtx is not installed ({platform.system()} {platform.machine()})',
)
def test_an_engine_for_a_gpu_that_is_not_here(tmp_path, capsys):
    file, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'a.plan'
    words = ('--flavor', 'rtx', '--compute-capability', '89', '--max-batch', 2)
    code, output, error = run(capsys, file, '--out', out, *words, '--precision', 'FP16')
    assert code == 0, error
    assert 'tensorrt_rtx' in output
    assert 'fp16, batches of 1 to 2' in output
    assert read_engine_sidecar(out)['profile'] == {'min': 1, 'opt': 2, 'max': 2}


def test_options_reach_the_builder_and_triton(tmp_path, capsys, monkeypatch):
    module, asked = make_module(), []

    def load(*words):
        asked.append(words)
        return Flavor('tensorrt', module)

    monkeypatch.setattr(engine_building, 'load_flavor', load)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda: (8, 9))
    file, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'pose.engine'
    batches = ('--min-batch', 1, '--opt-batch', 3, '--max-batch', 4)
    rest = ('--workspace', 64, '--timing-cache', tmp_path / 'timing.bin')
    words = (*batches, *rest, '--triton', tmp_path / 'models')
    code, output, error = run(capsys, file, '--out', out, *words)
    assert code == 0, error
    assert asked == [('tensorrt', ())]
    assert module.calls[-3:] == [
        ('memory', 'workspace', 64 << 20),
        ('profile', {'input': tuple((count, 3, 64, 64) for count in (1, 3, 4))}),
        ('cache', b'', False),
    ]
    assert (tmp_path / 'timing.bin').is_file()
    assert 'Triton model repository' in output
    assert (tmp_path / 'models/pose/1/model.plan').read_bytes() == b'engine'
    assert 'max_batch_size: 4' in (tmp_path / 'models/pose/config.pbtxt').read_text()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--min-batch', '5', '--max-batch', '2'), '--opt-batch 2'),
        (('--precision', 'fp16', '--calib-batches', '2'), '--calib-batches 2'),
        (('--compute-capability', '89'), "pip install 'cpose[tensorrt-rtx]'"),
        (('--flavor', 'tensorrt'), "pip install 'cpose[tensorrt]'"),
        (('--triton', 'models'), "pip install 'cpose[tensorrt]'"),
        (('--triton', 'models', '--flavor', 'rtx'), '--flavor rtx'),
        (
            ('--triton', 'models', '--compute-capability', '89'),
            '--compute-capability 89',
        ),
    ],
)
def test_refusals_have_code_2_and_leave_no_file(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.setattr(flavors, 'find_spec', lambda name: None)
    file, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'a.engine'
    code, _, error = run(capsys, file, '--out', out, *words)
    assert code == 2
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ['a.onnx']


def test_a_foreign_file_is_refused_with_its_names(tmp_path, capsys):
    model = small_model()[0]
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / 'a.onnx'))
    code, _, error = run(capsys, tmp_path / 'a.onnx', '--out', tmp_path / 'a.engine')
    assert code == 2
    assert 'is not a model exported by cpose' in error
    assert 'cpose.input_wh' in error
