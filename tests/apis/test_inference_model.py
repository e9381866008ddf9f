"""The same pictures through PyTorch and through a model file."""

import numpy as np
import pytest
import torch

from cpose.apis.builder import build_for_inference, build_model, find_postprocessor
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.errors import CheckpointError, ConfigError
from cpose.models.detectors.runtime_pose import RuntimePose

from ..deploy.runtimes.model_files import noise_images, tiny_model, write_checkpoint, write_onnx
from ..user_errors import raises
from .inference_scenes import CAMERA, tiny_config

OPTIONS = {'camera': CAMERA, 'score_thr': 0.05}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """``tiny.pth``, ``tiny.onnx`` and ``rgb.onnx``, which takes RGB of 0 to 1."""
    made, model = tmp_path_factory.mktemp('files'), tiny_model()
    write_checkpoint(model, made / 'tiny.pth')
    write_onnx(model, made / 'tiny.onnx')
    write_onnx(model, made / 'rgb.onnx', input_encoding='rgb_0_1')
    write_onnx(model, made / 'trt.onnx', precision='int8', quantize_target='tensorrt')
    return made


def assert_same(results, expected):
    """Compare within what float32 sums in another order differ by, pixels and relative lengths."""
    assert len(results) == len(expected)
    for result, other in zip(results, expected, strict=True):
        assert (result.image_path, result.image_wh) == (other.image_path, other.image_wh)
        assert len(result.poses) == len(other.poses) > 0
        for pose, wanted in zip(result.poses, other.poses, strict=True):
            assert abs(pose.score - wanted.score) < 1e-4
            assert pose.label == wanted.label
            np.testing.assert_allclose(pose.bbox_image, wanted.bbox_image, atol=1e-3)
            np.testing.assert_allclose(pose.corners_image, wanted.corners_image, atol=1e-3)
            np.testing.assert_allclose(pose.dims, wanted.dims, atol=1e-4)
            assert (pose.has_pose, bool(pose.failure)) == (wanted.has_pose, bool(wanted.failure))
            if wanted.has_pose:
                np.testing.assert_allclose(pose.location_cv, wanted.location_cv, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['tiny.onnx', 'rgb.onnx'])
@pytest.mark.parametrize(
    'options',
    [
        {},
        {'batch_size': 3},
        {'use_pnp': False, 'camera': None},
        {'score_thr': 0.2},
    ],
    ids=['poses', 'batches', 'no pnp', 'score threshold'],
)
def test_same_poses(folder, name, options):
    images = noise_images(4)
    options = {**OPTIONS, **options}
    expected = list(CenterPoseInferencer('-', folder / 'tiny.pth')(images, **options))
    inferencer = CenterPoseInferencer('-', folder / name)
    assert isinstance(inferencer.model, RuntimePose)
    assert inferencer.categories == ('cup',)
    assert_same(list(inferencer(images, **options)), expected)


def test_score_threshold_and_pnp_switch_act(folder):
    inferencer = CenterPoseInferencer(None, folder / 'tiny.onnx')
    (image,) = noise_images(1)
    (many,) = inferencer(image, **OPTIONS)
    (few,) = inferencer(image, camera=CAMERA, score_thr=many.poses[3].score)
    assert len(few.poses) <= 3 < len(many.poses)
    assert any(pose.has_pose for pose in many.poses)
    (flat,) = inferencer(image, use_pnp=False, score_thr=0.05)
    assert not any(pose.has_pose for pose in flat.poses)


def test_config_beside_the_file(folder):
    config = tiny_config()
    config.test_dataloader.dataset.metainfo.category = 'mug'
    config.model.head.postprocessor = {'nms_sigma': 0.1}
    inferencer = CenterPoseInferencer(config, folder / 'tiny.onnx')
    assert inferencer.categories == ('mug',)
    assert inferencer.postprocessor.nms_sigma == 0.1


@pytest.mark.parametrize('name', ['tiny.pth', 'tiny.onnx'])
def test_description(folder, name):
    words = {'tiny.pth': 'PyTorch', 'tiny.onnx': 'ONNX Runtime'}
    assert CenterPoseInferencer('-', folder / name).runtime.describe().startswith(words[name])


def test_fixed_input_size(folder):
    with raises(ConfigError, argument='input_wh', value=(128, 96)):
        CenterPoseInferencer('-', folder / 'tiny.onnx', input_wh=(128, 96))
    config = tiny_config()
    config.test_dataloader.dataset.input_wh = (96, 64)
    with raises(ConfigError, argument='input_wh', value=(96, 64)):
        CenterPoseInferencer(config, folder / 'tiny.onnx')
    assert CenterPoseInferencer('-', folder / 'tiny.onnx', input_wh=(64, 64)).input_wh == (64, 64)


def test_refusals(folder):
    with raises(ConfigError, argument='device', value='cuda'):
        CenterPoseInferencer('-', folder / 'tiny.onnx', 'cuda')
    with raises(CheckpointError, path=folder / 'trt.onnx'):
        CenterPoseInferencer('-', folder / 'trt.onnx')
    unknown = tiny_config(runtime={'type': 'OnxRuntime'})
    with raises(ConfigError, value='OnxRuntime', key='runtime.type'):
        CenterPoseInferencer(unknown, folder / 'tiny.onnx')
    extra = tiny_config(runtime={'threads': 2})
    with raises(ConfigError, argument='threads', key='model.runtime.threads'):
        CenterPoseInferencer(extra, folder / 'tiny.onnx')


def test_norms_are_folded_within_rounding(folder):
    fused = build_for_inference(tiny_config(), folder / 'tiny.pth', None)
    plain = build_model(tiny_config(), folder / 'tiny.pth')
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps, expected = fused(images), plain(images)
    for name, value in maps.items():
        assert torch.allclose(value, expected[name], atol=1e-5), name


def test_postprocessor_without_a_model():
    config = tiny_config()
    config.model.head.postprocessor = {'nms_sigma': 0.25}
    assert find_postprocessor(None, config).nms_sigma == 0.25
