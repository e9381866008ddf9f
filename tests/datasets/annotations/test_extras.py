import json

import numpy as np
import pytest

from cpose.datasets.annotations.extras import (
    pack_extras,
    stack_extras,
    unpack_extras,
    unstack_extras,
)
from cpose.structures.pose_data_sample import CuboidAnnotations

OBJECTS = [{'angle': 1.5, 'grip': [1, 2]}, {}, {'angle': 0, 'name': 'x', 'grip': [3, 4]}]


def make_annotations(extras):
    count = len(next(iter(extras.values())))
    return CuboidAnnotations(
        labels=np.zeros(count, dtype=np.int64),
        keypoints_gl=np.zeros((count, 9, 3)),
        keypoints_image=np.zeros((count, 9, 2)),
        dims_metric=np.ones((count, 3)),
        visibility=np.ones(count),
        extras=extras,
    )


def test_fields_become_columns():
    extras = stack_extras(OBJECTS)
    assert set(extras) == {'angle', 'grip'}
    np.testing.assert_array_equal(extras['angle'], [1.5, np.nan, 0])
    np.testing.assert_array_equal(extras['grip'], [[1, 2], [np.nan, np.nan], [3, 4]])
    assert stack_extras([]) == {}


@pytest.mark.parametrize(
    'value', ['text', {'x': 1}, ['a', 'b'], [[1], [1, 2]], [], None, [1, None], 10**400]
)
def test_what_is_no_array_of_numbers_is_left_out(value):
    assert stack_extras([{'field': value}]) == {}


def test_fields_of_several_shapes_are_left_out():
    assert set(stack_extras([{'a': [1, 2], 'b': 1}, {'a': [1, 2, 3], 'b': 2}])) == {'b'}


def test_texts_give_the_columns_back():
    annotations = make_annotations(stack_extras(OBJECTS))
    assert unstack_extras(annotations) == [
        {'angle': 1.5, 'grip': [1, 2]}, {}, {'angle': 0, 'grip': [3, 4]}
    ]  # fmt: skip
    texts = pack_extras(annotations)
    assert texts[1] == ''
    assert json.loads(texts[0]) == OBJECTS[0]
    np.testing.assert_equal(unpack_extras(texts), dict(annotations.extras))
    assert unpack_extras(['', '']) == {}
