"""A network that reads the frame before, as an ONNX file with an input for each part of it."""

import cv2
import numpy as np
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.export.engine_building import build_engine_file
from cpose.apis.export.model_export import export_model
from cpose.apis.export.quantization import CalibrationSource, quantize_file
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.deploy.model_metadata import read_metadata, read_proto
from cpose.deploy.onnx.export import ExportSettings
from cpose.deploy.runtimes.onnx_runtime import OnnxRuntime
from cpose.deploy.triton_repository import make_triton_config
from cpose.errors import ConfigError
from cpose.models.backbones.frame_before import with_itself_before

from ...user_errors import raises
from ..networks import shapes

WH = (64, 64)
CAMERA = (60, 60, 32, 32)
EXTRA = ['tracking', 'tracking_hp']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with a checkpoint, its ONNX file and a video."""
    path = tmp_path_factory.mktemp('track')
    sizes = {f'{name}_dataloader.dataset.input_wh': WH for name in ('train', 'val', 'test')}
    config = load_config('dla34_track_cuboid', sizes)
    torch.manual_seed(0)
    model = build_model(config)
    content = {'state_dict': model.state_dict(), 'meta': {CONFIG_KEY: config_to_json(config)}}
    torch.save(content, path / 'track.pth')
    result = export_model(config, path / 'track.pth', path / 'track.onnx', ExportSettings(WH))
    assert all(line.is_within for line in result.lines)
    convert_checkpoint(path / 'track.pth', path / 'half.pth', half=True)
    baked = ExportSettings(WH, batch=1, half=True, is_baked=True)
    export_model(config, path / 'track.pth', path / 'baked.onnx', baked)
    writer = cv2.VideoWriter(str(path / 'clip.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, WH)
    for brightness in (40, 120, 200):
        writer.write(np.full((64, 64, 3), brightness, dtype=np.uint8))
    writer.release()
    return path


@pytest.mark.slow
def test_inputs_and_outputs_have_names(folder):
    graph = read_proto(folder / 'track.onnx').graph
    assert shapes(graph.input) == {
        'input': ('batch_size', 3, 64, 64),
        'pre_img': ('batch_size', 3, 64, 64),
        'pre_hm': ('batch_size', 1, 64, 64),
        'pre_hm_hp': ('batch_size', 8, 64, 64),
    }
    assert set(EXTRA) < set(shapes(graph.output))
    metadata = read_metadata(folder / 'track.onnx')
    assert metadata.previous_inputs == ('pre_img', 'pre_hm', 'pre_hm_hp')
    assert metadata.outputs['tracking'] == {'size': 2, 'unit': 'cells'}


@pytest.mark.slow
def test_an_image_alone_is_its_own_frame_before(folder):
    runtime = OnnxRuntime(folder / 'track.onnx', 'cpu')
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    alone, pair = runtime(images), runtime(with_itself_before(images))
    changed = with_itself_before(images)
    changed[:, 6:] += 0.5
    for name, value in alone.items():
        assert torch.equal(value, pair[name])
    assert not torch.allclose(runtime(changed)['scores'], alone['scores'])


@pytest.mark.slow
@pytest.mark.parametrize('name', ['track.onnx', 'half.pth', 'baked.onnx'])
def test_a_video_gives_the_same_poses(folder, name):
    expected, found = (
        list(CenterPoseInferencer(None, folder / file)(folder / 'clip.avi', CAMERA, score_thr=0.0))
        for file in ('track.pth', name)
    )
    assert len(expected) == len(found) == 3
    for one, other in zip(expected, found, strict=True):
        assert len(one.poses) == len(other.poses)
        np.testing.assert_allclose(
            [pose.score for pose in one.poses], [pose.score for pose in other.poses], atol=3e-4
        )
        np.testing.assert_allclose(
            one.poses[0].extras['tracking_hp'], other.poses[0].extras['tracking_hp'], atol=3e-2
        )


@pytest.mark.slow
def test_triton_is_told_all_inputs(folder):
    text = make_triton_config('x', 'onnxruntime_onnx', read_metadata(folder / 'track.onnx'), (1, 8))
    assert all(f'name: "{name}"' in text for name in ('input', 'pre_img', 'pre_hm', 'pre_hm_hp'))
    assert '[ 8, 64, 64 ]' in text


@pytest.mark.slow
def test_what_takes_images_alone_refuses_it(folder):
    with raises(ConfigError, 'pre_hm_hp', path=folder / 'track.onnx'):
        quantize_file(folder / 'track.onnx', folder / 'q.onnx', None, CalibrationSource(), 0)
    with raises(ConfigError, 'pre_hm_hp', path=folder / 'track.onnx'):
        build_engine_file(folder / 'track.onnx', folder / 'e.engine')
