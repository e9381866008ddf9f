"""MMEngine's test-time augmentation around our model: seen as it is and mirrored."""

from dataclasses import replace

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.hooks.test_time_aug_hook import build_runner_with_tta
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner

from cpose.apis.builder import resolve_config
from cpose.apis.training import evaluate
from cpose.cli.main import main
from cpose.models.detectors.scale_pyramid import merge_results
from cpose.registry import MODELS, RUNNERS, TRANSFORMS

from ..apis.inference_scenes import write_box_model

MIRRORED = [4, 5, 6, 7, 0, 1, 2, 3]
"""Corner that a mirror puts in the place of each one."""
PREDICTED = []


@TRANSFORMS.register_module()
class MirrorPicture(BaseTransform):
    """Show the network the picture in a mirror, or as it is."""

    def __init__(self, is_mirrored):
        self.is_mirrored = is_mirrored

    def transform(self, results):
        if self.is_mirrored:
            results['img'] = results['img'][:, ::-1].copy()
            intrinsics = results['intrinsics'].copy()
            intrinsics[0, 2] = results['image_wh'][0] - intrinsics[0, 2]
            results['intrinsics'] = intrinsics
        return results


@MODELS.register_module()
class MirrorAndMerge(BaseTTAModel):
    """Keep the best pose of each object."""

    def merge_preds(self, data_samples_list):
        PREDICTED.extend(data_samples_list)
        return [merge_results([seen, mirror(other)], (1, 1)) for seen, other in data_samples_list]


def mirror(result):
    """Return what was found in the mirrored picture, as it lies in the picture itself."""
    width = result.image_wh[0]
    return replace(result, poses=[mirror_pose(pose, width) for pose in result.poses])


def mirror_pose(pose, width):
    left, top, right, bottom = pose.bbox_image
    with_centre = [0, *(1 + np.array(MIRRORED))]
    found = {
        'bbox_image': np.array([width - right, top, width - left, bottom]),
        'corners_image': (pose.corners_image * [-1, 1] + [width, 0])[MIRRORED],
    }
    if pose.has_pose:
        found |= {
            'location_cv': pose.location_cv * [-1, 1, 1],
            'quaternion_xyzw': pose.quaternion_xyzw * [1, -1, -1, 1],
            'keypoints_cv': (pose.keypoints_cv * [-1, 1, 1])[with_centre],
            'keypoints_image': (pose.keypoints_image * [-1, 1] + [width, 0])[with_centre],
        }
    return replace(pose, **found)


def build_wrapped(config):
    """Return a runner as ``tools/test.py --tta`` of MMEngine's other projects builds it."""
    config.test_dataloader.dataset.pipeline = config.tta_pipeline
    config.model = {**config.tta_model, 'module': config.model}
    return RUNNERS.build(config) if 'runner_type' in config else Runner.from_cfg(config)


def pipeline():
    """Return steps that show every picture as it is and mirrored."""
    mirrors = [{'type': 'MirrorPicture', 'is_mirrored': seen} for seen in (False, True)]
    steps = [mirrors, [{'type': 'LetterboxAffine'}], [{'type': 'PackPoseInputs'}]]
    return [{'type': 'LoadPoseImage'}, {'type': 'TestTimeAug', 'transforms': steps}]


@pytest.fixture(scope='module')
def boxes(tmp_path_factory):
    """A model that finds boxes, and two pictures."""
    root = tmp_path_factory.mktemp('tta')
    assert main(['synth', str(root / 'data'), '--num', '2', '--size', '64', '64']) == 0
    return write_box_model(root / 'box.pth'), root / 'data'


@pytest.fixture
def predicted(monkeypatch):
    found = []
    monkeypatch.setattr(f'{__name__}.PREDICTED', found)
    return found


def check(numbers, predicted):
    assert (numbers['num_images'], len(predicted)) == (2, 2)
    for seen, other in predicted:
        assert seen.poses
        assert other.poses
        assert seen.intrinsics[0, 2] != other.intrinsics[0, 2]


def test_in_our_command(boxes, predicted, tmp_path):
    model, data = boxes
    options = {
        'test_dataloader.dataset.pipeline': pipeline(),
        'custom_hooks': [{'type': 'PrepareTTAHook', 'tta_cfg': {'type': 'MirrorAndMerge'}}],
    }
    numbers = evaluate('-', model, data, work_dir=tmp_path / 'run', options=options)
    check(numbers, predicted)


@pytest.mark.parametrize(
    ('runner_type', 'build'), [('PoseRunner', build_wrapped), (None, build_runner_with_tta)]
)
def test_as_other_projects_build_their_runner(boxes, predicted, tmp_path, runner_type, build):
    model, data = boxes
    config = resolve_config('-', model)
    config.update(load_from=str(model), work_dir=str(tmp_path / 'run'))
    config.experiment_name = tmp_path.name
    if runner_type:
        config.runner_type = runner_type
    config.test_dataloader.dataset.data_root = str(data)
    config.tta_pipeline, config.tta_model = pipeline(), {'type': 'MirrorAndMerge'}
    check(build(config).test(), predicted)
