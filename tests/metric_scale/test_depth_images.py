import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.accuracy.metric_scenes import make_scene
from cpose.errors import ConfigError, DataError
from cpose.metric_scale.depth_images import DepthImages, read_depth
from cpose.metric_scale.metric_poses import MetricScaling

from ..user_errors import raises


@pytest.fixture(scope='module')
def scene():
    return make_scene(5)


def scaled(folder, scene, **settings):
    config = {'type': 'DepthImages', 'folder': folder, **settings}
    return MetricScaling(config).apply(scene.result, scene).poses[0]


def write(folder, depth, name, dtype=np.float32):
    path = folder / name
    if path.suffix == '.npy':
        np.save(path, depth.astype(dtype))
    else:
        assert cv2.imwrite(str(path), depth.astype(dtype))


@pytest.mark.parametrize(
    ('ending', 'factor', 'dtype', 'settings'),
    [
        ('.png', 1000, np.uint16, {}),
        ('.png', 5000, np.uint16, {'per_metre': 5000}),
        ('.tiff', 1, np.float32, {}),
        ('.npy', 1, np.float64, {}),
        ('.npy', 1000, np.int32, {}),
    ],
)
def test_depths_of_every_kind_tell_the_distance(ending, factor, dtype, settings, scene, tmp_path):
    write(tmp_path, scene.depth * factor, f'{scene.name}{ending}', dtype)
    pose = scaled(tmp_path, scene, **settings)
    np.testing.assert_allclose(pose.location_cv, scene.location_cv, rtol=0.005)
    np.testing.assert_allclose(pose.dims, scene.box.dims, rtol=0.005)
    assert pose.metric_scale.source == 'depth'


def test_what_stands_in_front_and_behind_counts_little(scene, tmp_path):
    """A bar nearer to the camera covers a third of the object, and NaN is unknown."""
    depth = scene.depth.copy()
    left, _, right, _ = scene.pose.bbox_image.astype(int)
    depth[:, left : left + (right - left) // 3] = scene.location_cv[2] * 0.7
    depth[::3] = np.nan
    write(tmp_path, depth, f'{scene.name}.npy')
    np.testing.assert_allclose(scaled(tmp_path, scene).location_cv, scene.location_cv, rtol=0.01)


def test_sparse_and_smaller_depths(scene, tmp_path):
    sparse = np.zeros_like(scene.depth)
    sparse[::8, ::8] = scene.depth[::8, ::8]
    write(tmp_path, sparse, f'{scene.name}.npy')
    np.testing.assert_allclose(scaled(tmp_path, scene).location_cv, scene.location_cv, rtol=0.01)
    write(tmp_path, scene.depth[::2, ::2], f'{scene.name}.npy')
    np.testing.assert_allclose(scaled(tmp_path, scene).location_cv, scene.location_cv, rtol=0.01)


def test_unknown_depths(scene, tmp_path):
    assert scene.name in scaled(tmp_path, scene).metric_scale.failure
    write(tmp_path, np.zeros((480, 640)), f'{scene.name}.npy')
    assert 'only 0 depths' in scaled(tmp_path, scene).metric_scale.failure
    noise = np.exp(np.random.default_rng(0).uniform(-3, 3, (480, 640)))
    write(tmp_path, noise, f'{scene.name}.npy')
    assert 'do not agree' in scaled(tmp_path, scene).metric_scale.failure


def test_frames_have_their_own(scene, tmp_path):
    (tmp_path / 'clip').mkdir()
    write(tmp_path / 'clip', scene.depth, '000003.npy')
    assert scaled(tmp_path, replace(scene, name='clip/000003')).has_metres


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('a.png', b''),
        ('a.png', b'nonsense'),
        ('a.npy', b'nonsense'),
        ('a.png', cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()),
        ('a.png', cv2.imencode('.png', np.zeros((4, 4), np.uint8))[1].tobytes()),
    ],
)
def test_files_that_are_no_depth(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with raises(DataError, path=tmp_path / name):
        read_depth(tmp_path / name)


def write_array_header(path, shape, dtype='<f8'):
    """Write what an array begins with, and nothing of it."""
    with path.open('wb') as file:
        header = {'descr': dtype, 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(file, header)


@pytest.mark.parametrize('shape', [(10**6, 10**6), (4, 4)])
def test_an_array_is_as_long_as_it_says(shape, tmp_path):
    write_array_header(tmp_path / 'a.npy', shape)
    with raises(DataError, path=tmp_path / 'a.npy'):
        read_depth(tmp_path / 'a.npy')


@pytest.mark.parametrize('values', [np.full((4, 4), 'x'), np.ones((4, 4), complex)])
def test_arrays_of_no_real_numbers(values, tmp_path):
    np.save(tmp_path / 'a.npy', values)
    with raises(DataError, path=tmp_path / 'a.npy'):
        read_depth(tmp_path / 'a.npy')


def test_more_pixels_than_pictures_have(tmp_path):
    huge = Path(__file__).parents[1] / 'data/cases/huge/huge.png'
    shutil.copy(huge, tmp_path / 'a.png')
    with raises(DataError, 'pixels', path=tmp_path / 'a.png'):
        read_depth(tmp_path / 'a.png')


def test_pickles_are_not_read(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([{}], dtype=object), allow_pickle=True)
    with raises(DataError):
        read_depth(tmp_path / 'a.npy')


def test_a_part_longer_than_the_file_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    content = bytearray(cv2.imencode('.png', np.full((6, 8), 1500, np.uint16))[1].tobytes())
    start = content.index(b'IDAT')
    content[start - 4 : start] = (2_000_000_000).to_bytes(4, 'big')
    (tmp_path / 'a.png').write_bytes(content)
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: pytest.fail('room is made for it'))
    with raises(DataError, 'longer than the file', path=tmp_path / 'a.png'):
        read_depth(tmp_path / 'a.png')


def test_another_shape_is_refused(scene, tmp_path):
    write(tmp_path, scene.depth[:300], f'{scene.name}.npy')
    with raises(DataError, path=tmp_path / f'{scene.name}.npy'):
        scaled(tmp_path, scene)


def test_wrong_settings(tmp_path):
    with raises(ConfigError, argument='folder'):
        DepthImages(tmp_path / 'none')
    with raises(ConfigError, argument='per_metre', value=0):
        DepthImages(tmp_path, 0)
