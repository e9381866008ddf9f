import json

import onnx
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.apis.export import model_export
from cpose.apis.export.model_export import export_model, make_metadata
from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.deploy.model_metadata import read_metadata
from cpose.deploy.onnx.export import ExportSettings
from cpose.deploy.onnx.verify import Comparison
from cpose.errors import CheckpointError, ConfigError, OutputError

from ...user_errors import raises
from ..inference_scenes import tiny_config

SETTINGS = ExportSettings((64, 64), opset=17)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(1)
    torch.save({'state_dict': build_model(tiny_config()).state_dict()}, tmp_path / 'a.pth')
    return tmp_path / 'a.pth'


@pytest.mark.slow
def test_one_file(tmp_path, checkpoint):
    out = tmp_path / 'new.onnx'
    result = export_model(tiny_config(), checkpoint, out, SETTINGS)
    assert sorted(file.name for file in tmp_path.iterdir()) == ['a.pth', 'new.onnx']
    assert result.num_bytes == out.stat().st_size
    assert result.num_nodes == len(onnx.load(out).graph.node)
    assert result.pictures == 'noise and 2 synthetic pictures'
    assert all(line.is_within for line in result.lines)
    onnx.checker.check_model(str(out), full_check=True)


@pytest.mark.slow
def test_metadata(tmp_path, checkpoint):
    out = tmp_path / 'new.onnx'
    config = tiny_config()
    config.test_dataloader.dataset.metainfo = {
        'category': ['cup', 'box'],
        'symmetry': [{'type': 'NoSymmetry'}, {'type': 'CuboidSymmetry'}],
    }
    export_model(config, checkpoint, out, ExportSettings((96, 64), opset=17, is_baked=True))
    found = read_metadata(out)
    assert found.class_names == ('cup', 'box')
    assert (found.mean, found.std) == ((0.4, 0.45, 0.5), (0.3, 0.3, 0.3))
    assert (found.channel_order, found.input_encoding) == ('bgr', 'rgb_0_1')
    assert (found.stride, found.input_wh) == (4, (96, 64))
    assert (found.precision, found.quantize_target) == ('fp32', '')
    assert json.loads(found.symmetry)[1] == {'type': 'CuboidSymmetry'}
    assert json.loads(found.config)['model']['neck'] == {'type': 'IDAUpNeck', 'out_channels': 16}
    expected = make_metadata(config, build_model(config), ExportSettings((96, 64), is_baked=True))
    assert found == expected
    one = make_metadata(config, build_model(config), ExportSettings((96, 64), batch=1))
    assert json.loads(one.config)['test_dataloader']['batch_size'] == 1
    assert 'batch_size' not in config.test_dataloader
    content = load_checkpoint_file(checkpoint)
    content['meta'] = {'versions': {'opencv': '4.13.0', 'torch': '2.9'}}
    save_checkpoint_atomic(tmp_path / 'b.pth', content)
    export_model(config, tmp_path / 'b.pth', tmp_path / 'b.onnx', SETTINGS)
    assert read_metadata(tmp_path / 'b.onnx').trained_with == content['meta']['versions']


@pytest.mark.slow
def test_nothing_is_written_if_it_differs(tmp_path, checkpoint, monkeypatch):
    out = tmp_path / 'new.onnx'
    out.write_bytes(b'old')
    wrong = [Comparison('raw maps', 'hm', 0.5, 1e-4, 'σ', 10)]
    monkeypatch.setattr(model_export, 'compare_with_torch', lambda *values: wrong)
    with raises(CheckpointError, 'raw maps, hm: 0.5 σ'):
        export_model(tiny_config(), checkpoint, out, SETTINGS, may_replace=True)
    assert out.read_bytes() == b'old'
    assert len(list(tmp_path.iterdir())) == 2


def test_refused_before_the_work(tmp_path, checkpoint, monkeypatch):
    monkeypatch.setattr(model_export, 'build_model', None)
    with raises(ConfigError, '.onnx', argument='out'):
        export_model(tiny_config(), checkpoint, checkpoint, SETTINGS)
    (tmp_path / 'a.onnx').touch()
    with raises(OutputError, argument='out'):
        export_model(tiny_config(), checkpoint, tmp_path / 'a.onnx', SETTINGS)
