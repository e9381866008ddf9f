import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.codecs.symmetries import CuboidSymmetry
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import ConfigError
from cpose.geometry.projection import project_points
from cpose.registry import DATASETS
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.pose_data_sample import field_arrays

from ..user_errors import raises

IMAGE_WH = (160, 120)
FREE = {'free_pose': 1.0, 'hands': 0.7, 'stacks': 0.3, 'rolled': 0.3, 'slender': 0.3}


def make_dataset(num_images=8, **changes):
    return SyntheticCuboidDataset(num_images, **{'image_wh': IMAGE_WH, **changes})


def digest(record):
    parts = [record.image, record.intrinsics, *field_arrays(record.annotations).values()]
    return hashlib.sha256(
        b''.join(np.ascontiguousarray(part).tobytes() for part in parts if part is not None)
    ).hexdigest()


@pytest.mark.slow
def test_record():
    dataset = make_dataset()
    record = dataset.load_record(3)
    assert record.image_path == 'synthetic/seed0_00000003'
    assert record.image.shape == (120, 160, 3)
    assert record.image.dtype == np.uint8
    assert record.image_wh == IMAGE_WH
    np.testing.assert_array_equal(record.intrinsics, record.pixel_projection)
    assert len(record.annotations) == 1
    assert all(isinstance(item, CuboidSymmetry) for item in record.symmetries)
    assert dataset.metainfo['category'] == ('cuboid',)
    assert dataset.metainfo['eval_num_symmetry'] == (1,)


@pytest.mark.slow
@pytest.mark.parametrize('realism', [{}, FREE], ids=['standing', 'free'])
def test_same_bytes_in_another_process_and_order(realism):
    here = make_dataset(objects=(1, 3), seed=9, realism=realism)
    expected = [digest(here.load_record(index)) for index in (5, 2)]
    code = (
        f'import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n'
        'from tests.datasets.test_synthetic_cuboid_dataset import digest, make_dataset\n'
        f'dataset = make_dataset(objects=(1, 3), seed=9, realism={realism!r})\n'
        'records = {index: digest(dataset.load_record(index)) for index in (2, 5)}\n'
        'print(records[5], records[2])'
    )
    there = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert there.stdout.split() == expected
    assert expected[0] != expected[1]


@pytest.mark.parametrize('index', range(6))
def test_annotation_is_exact(index):
    record = make_dataset(objects=(1, 4), seed=2).load_record(index)
    annotations, intrinsics = record.annotations, record.intrinsics
    keypoints_cv = cv_from_gl(annotations.keypoints_gl)
    np.testing.assert_allclose(
        project_points(keypoints_cv, intrinsics), annotations.keypoints_image, atol=1e-6
    )
    # The quarter-turned Objectron camera: u depends on Y, v on X.
    x, y, z = np.moveaxis(annotations.keypoints_gl, -1, 0)
    u = intrinsics[0, 0] * y / -z + intrinsics[0, 2]
    v = intrinsics[1, 1] * x / -z + intrinsics[1, 2]
    np.testing.assert_allclose(np.stack([u, v], -1), annotations.keypoints_image, atol=1e-6)
    assert ((annotations.visibility > 0.3) & (annotations.visibility <= 1)).all()


@pytest.mark.parametrize('index', range(6))
def test_keypoints_are_a_cuboid_in_the_order_of_the_conventions(index):
    annotations = make_dataset(objects=(1, 4), seed=3).load_record(index).annotations
    for keypoints, dims in zip(annotations.keypoints_gl, annotations.dims_metric, strict=True):
        spans = keypoints[[5, 3, 2]] - keypoints[1]
        np.testing.assert_allclose(np.linalg.norm(spans, axis=1), dims)
        rotation = (spans / dims[:, None]).T
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)
        rebuilt = cuboid_keypoints(dims) @ rotation.T + keypoints[0]
        np.testing.assert_allclose(rebuilt, keypoints, atol=1e-9)


@pytest.mark.parametrize('index', range(6))
def test_boxes_stand_upright_on_the_plane(index):
    annotations = make_dataset(objects=(1, 4), seed=4).load_record(index).annotations
    point, normal = annotations.plane_gl
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert normal[0] < 0  # up is where the image's y, the frame's x, decreases
    heights = (annotations.keypoints_gl - point) @ normal
    np.testing.assert_allclose(heights[:, [1, 2, 5, 6]], 0, atol=1e-9)
    tops = heights[:, [3, 4, 7, 8]]
    np.testing.assert_allclose(tops, np.tile(annotations.dims_metric[:, 1:2], (1, 4)))
    assert (np.zeros(3) - point) @ normal > 0


@pytest.mark.parametrize('index', range(8))
def test_free_boxes_are_annotated_as_they_are_seen(index):
    record = make_dataset(objects=(1, 3), seed=5, realism=FREE).load_record(index)
    annotations = record.annotations
    assert annotations.plane_gl is None
    keypoints_cv = cv_from_gl(annotations.keypoints_gl)
    np.testing.assert_allclose(
        project_points(keypoints_cv, record.intrinsics), annotations.keypoints_image, atol=1e-6
    )
    spans = keypoints_cv[:, [5, 3, 2]] - keypoints_cv[:, 1:2]
    np.testing.assert_allclose(np.linalg.norm(spans, axis=2), annotations.dims_metric)
    assert (np.linalg.det(spans) > 0).all()
    first = keypoints_cv[0]
    assert first[[3, 4, 7, 8], 1].mean() < first[[1, 2, 5, 6], 1].mean()


def test_defaults_draw_the_pictures_they_always_drew():
    """Settings that came later draw no random numbers unless they are used."""
    expected = [digest(make_dataset(objects=(0, 3), seed=9).load_record(k)) for k in range(3)]
    unused = {'roll_deg': (90.0, 120.0), 'hands': 1.0}
    same = make_dataset(objects=(0, 3), seed=9, realism=unused)
    assert [digest(same.load_record(k)) for k in range(3)] == expected
    scene = sample_scene(np.random.default_rng(3), IMAGE_WH, (2, 2), RealismSettings())
    np.testing.assert_allclose(scene.camera.height, 0.27157771452091556, rtol=1e-12)
    np.testing.assert_allclose(
        scene.boxes[1].position, [0.061328814005686294, -0.5456936475729001], rtol=1e-12
    )


def test_seed_and_number_choose_the_picture():
    base = make_dataset()
    first = digest(base.load_record(0))
    assert digest(make_dataset(seed=1).load_record(0)) != first
    assert digest(make_dataset(start_index=5).load_record(1)) == digest(base.load_record(6))
    assert base.load_record(1).image_path != base.load_record(0).image_path


def test_epochs_repeat_or_go_on():
    fixed, fresh = make_dataset(), make_dataset(fresh_each_epoch=True)
    for dataset in (fixed, fresh):
        dataset.set_epoch(2)
    assert digest(fixed.load_record(3)) == digest(make_dataset().load_record(3))
    assert digest(fresh.load_record(3)) == digest(make_dataset(20).load_record(2 * 8 + 3))


def test_pictures_without_boxes():
    record = make_dataset(objects=(0, 0)).load_record(0)
    assert len(record.annotations) == 0
    assert record.annotations.keypoints_gl.shape == (0, 9, 3)
    assert record.symmetries == []


@pytest.mark.parametrize('realism', [{}, {'free_pose': 1.0, 'hands': 1.0, 'negatives': 0.3}])
def test_runs_through_the_training_pipeline(realism):
    steps = load_config('_base_/datasets/synthetic').train_dataloader.dataset.pipeline
    config = {
        'type': 'SyntheticCuboidDataset',
        'num_images': 3,
        'image_wh': IMAGE_WH,
        'objects': (0, 2),
        'realism': realism,
        'input_wh': (128, 128),
        'pipeline': steps,
    }
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset = DATASETS.build(config)
        samples = [dataset[index] for index in range(3)]
    for sample in samples:
        assert tuple(sample['inputs'].shape) == (3, 128, 128)
        assert sample['data_samples'].candidates.is_candidate.shape[1:] in ((4,), (1,), (0,))


@pytest.mark.parametrize(
    ('changes', 'argument'),
    [
        ({'num_images': 0}, 'num_images'),
        ({'start_index': -1}, 'start_index'),
        ({'image_wh': (32, 200)}, 'image_wh'),
        ({'objects': (3, 2)}, 'objects'),
        *[({'objects': value}, 'objects') for value in ((1, 40), '', None, (1,), (1, 2.5), '12')],
        *[({'image_wh': value}, 'image_wh') for value in ('', 640, (640,), (640, '480'))],
        ({'metainfo': {'category': ['a', 'b']}}, 'metainfo.category'),
        ({'realism': {'fog': 1}}, 'realism.fog'),
    ],
    ids=lambda item: next(iter(item)) if isinstance(item, dict) else '',
)
def test_wrong_settings_are_refused(changes, argument):
    with raises(ConfigError, argument=argument):
        make_dataset(**changes)


def test_index_beyond_the_end():
    with pytest.raises(IndexError):
        make_dataset().load_record(8)


def test_a_face_at_the_border_of_its_outline_is_drawn():
    realism = load_config('quickstart').train_dataloader.dataset.realism.to_dict()
    dataset = SyntheticCuboidDataset(2000, image_wh=(160, 160), seed=1, realism=realism)
    # The face's rectangle began one pixel left of that of the whole box.
    assert dataset.load_record(1109).image.shape == (160, 160, 3)
