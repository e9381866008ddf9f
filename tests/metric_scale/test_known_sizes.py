from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.metric_scenes import make_scene
from cpose.errors import ConfigError
from cpose.metric_scale.known_sizes import KnownDimensions
from cpose.metric_scale.metric_poses import MetricScaling

from ..user_errors import raises

BOX = {'category': ('box', 'cup'), 'symmetry': ({'type': 'CuboidSymmetry'}, {'type': 'NoSymmetry'})}


@pytest.fixture(scope='module')
def scene():
    return make_scene(5)


def apply(scene, meta=BOX, **extents):
    return MetricScaling({'type': 'KnownDimensions', **extents}, meta).apply(scene.result, scene)


def test_sides_that_may_be_exchanged_are_matched(scene):
    """Width and length of a box go to the sides that they suit."""
    width, height, length = scene.box.dims.tolist()
    assert width > length
    for sides in ({'width': width, 'length': length}, {'width': length, 'length': width}):
        pose = apply(scene, **sides).poses[0]
        np.testing.assert_allclose(pose.dims, [width, height, length], rtol=1e-6)
    other = apply(replace_label(scene, 1), width=length, length=width).poses[0]
    assert abs(other.dims[0] / width - 1) > 0.1


def replace_label(scene, label):
    return replace(scene, pose=replace(scene.pose, label=label))


def test_one_side_of_a_box_is_not_enough(scene):
    assert 'told apart' in apply(scene, width=0.2).poses[0].metric_scale.failure
    assert apply(replace_label(scene, 1), width=0.2).poses[0].dims[0] == pytest.approx(0.2)


def test_categories_have_their_own(scene):
    height = {'box': [0.3, 0.03], 'cup': 0.1}
    first, second = (apply(replace_label(scene, label), height=height).poses[0] for label in (0, 1))
    assert (first.dims[1], second.dims[1]) == (pytest.approx(0.3), pytest.approx(0.1))
    assert first.metric_scale.dims_std[1] == pytest.approx(0.03, rel=0.01)
    assert second.metric_scale.dims_std[1] == pytest.approx(0.001, rel=0.01)
    assert (
        'cup' in apply(replace_label(scene, 1), height={'box': 0.3}).poses[0].metric_scale.failure
    )


def test_wrong_extents():
    with raises(ConfigError, argument='height'):
        KnownDimensions()
    with raises(ConfigError, argument='width', value=-0.1):
        KnownDimensions(width=-0.1)
    with raises(ConfigError, argument='length', value=[1, 2, 3]):
        KnownDimensions(length=[1, 2, 3])
    with raises(ConfigError, argument='height', value=None):
        KnownDimensions(height={'box': None})
    source = KnownDimensions(height={'mug': 0.1})
    with raises(ConfigError, argument='height'):
        source.dataset_meta = BOX


def test_a_metric_model_is_taken_at_its_word(scene):
    pose = MetricScaling({'type': 'ModelDimensions'}).apply(scene.result, scene).poses[0]
    assert (pose.metric_scale.source, pose.metric_scale.factor) == ('model', pytest.approx(1))
    np.testing.assert_allclose(pose.location_cv, scene.pose.location_cv)
