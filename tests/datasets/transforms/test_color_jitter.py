import itertools

import numpy as np
import pytest

from cpose.datasets.transforms.color_jitter import (
    GRAY_FROM_BGR,
    CenterNetColorJitter,
    color_matrix,
)
from cpose.errors import ConfigError

from ...shipped_parts import settings
from ...user_errors import raises
from .records import make_record

COLORS = settings('CenterNetColorJitter')
EIGENVALUES, EIGENVECTORS = np.array(COLORS['eigenvalues']), np.array(COLORS['eigenvectors'])


def make_jitter(**changes):
    return CenterNetColorJitter(**settings('CenterNetColorJitter', **changes))


def step_by_step(image, factors, order, lighting):
    """Apply the changes one after another to values 0 to 1, as they are defined."""
    values = image / 255
    gray = values @ GRAY_FROM_BGR
    blended_with = [0.0, gray.mean(), gray[..., None]]
    for kind in order:
        values = factors[kind] * values + (1 - factors[kind]) * blended_with[kind]
    return 255 * (values + EIGENVECTORS @ (EIGENVALUES * lighting))


@pytest.mark.parametrize('order', list(itertools.permutations(range(3))), ids=str)
def test_matrix_equals_the_steps(order):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (4, 5, 3))
    factors, lighting = np.array([1.3, 0.7, 1.2]), np.array([0.1, -0.2, 0.05])
    mean_gray = (image @ GRAY_FROM_BGR).mean()
    components = EIGENVECTORS * EIGENVALUES
    matrix = color_matrix(factors, np.array(order), lighting, mean_gray, components)
    expected = step_by_step(image, factors, order, lighting)
    np.testing.assert_allclose(image @ matrix[:, :3].T + matrix[:, 3], expected, atol=1e-10)


def test_image_is_changed_as_the_generator_says():
    record = make_record(seed=3)
    rng = np.random.default_rng([7, 3])
    factors = 1 + rng.uniform(-0.4, 0.4, 3)
    order, lighting = rng.permutation(3), rng.normal(scale=0.1, size=3)
    expected = step_by_step(record['img'], factors, order, lighting)
    image = make_jitter()(record)['img']
    assert image.dtype == np.uint8
    # OpenCV computes with 8-bit fixed point here, which may round to the other neighbour.
    np.testing.assert_allclose(image, np.clip(expected, 0, 255), atol=0.75)


def test_no_strength_changes_nothing():
    record = make_record()
    before = record['img'].copy()
    after = make_jitter(strength=0.0, lighting_std=0.0)(record)['img']
    np.testing.assert_array_equal(after, before)


def test_grey_stays_grey_and_varies_around_its_value():
    grey = np.full((8, 8, 3), 100, np.uint8)
    jitter = make_jitter(lighting_std=0.0)
    colors = np.array([jitter(make_record(seed=i, img=grey))['img'][0, 0] for i in range(300)])
    assert np.ptp(colors.astype(float), axis=1).max() <= 1
    assert abs(colors.mean() - 100) < 5
    assert 20 < colors.std() < 35


def test_input_is_not_written_to():
    record = make_record(seed=1)
    image = record['img']
    before = image.copy()
    make_jitter()(record)
    np.testing.assert_array_equal(image, before)


def test_lighting_follows_the_given_components():
    values, vectors = [0.5, 0.0, 0.0], np.eye(3).tolist()
    record = make_record(seed=5, img=np.full((4, 4, 3), 100, np.uint8))
    jitter = make_jitter(strength=0.0, lighting_std=0.2, eigenvalues=values, eigenvectors=vectors)
    image = jitter(record)['img'].astype(int)
    assert (image[..., 1:] == 100).all()
    assert (image[..., 0] != 100).all()


@pytest.mark.parametrize('options', [{'strength': 'abc'}, {'lighting_std': -0.1}])
def test_wrong_arguments(options):
    with raises(ConfigError, argument=next(iter(options))):
        make_jitter(**options)
