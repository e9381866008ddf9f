import numpy as np
import pytest

from cpose.codecs.symmetries import NoSymmetry, RotationalSymmetry
from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.data_problems import DataProblems, keep_consistent, label_objects
from cpose.errors import DataError

from ...user_errors import raises
from ..annotated_files import make_annotation, make_object


def table_of(*contents):
    annotations = [parse_annotation(content, 'a.json') for content in contents]
    paths = [f'{i}.png' for i in range(len(contents))]
    return AnnotationTable.build(paths, [(0,) * 4] * len(contents), annotations)


def classes(*names):
    return make_annotation(*[make_object(**{'class': name}) for name in names])


def test_one_category_takes_every_class():
    table = table_of(classes('cup', 'mug'), classes(None))
    assert label_objects(table, ['cup']).tolist() == [0, 0, 0]


def test_several_categories_go_by_class():
    table = table_of(classes('shoe', 'cup'), classes('cup', 'Cup', None))
    assert label_objects(table, ['cup', 'shoe']).tolist() == [1, 0, 0, -1, -1]


BOTTLE = (RotationalSymmetry(12),)


def check(table, categories=('bottle',), symmetries=BOTTLE, on_error='skip'):
    problems = DataProblems(on_error)
    kept = keep_consistent(table, categories, symmetries, problems)
    if on_error == 'raise':
        problems.report('data')
    return kept.paths.tolist()


def test_good_table_is_returned_as_it_is():
    table = table_of(make_annotation(), make_annotation(make_object(symmetric=True)))
    problems = DataProblems()
    assert keep_consistent(table, ['bottle'], [RotationalSymmetry(2)], problems) is table
    assert len(problems) == 0


def without_cameras():
    content = make_annotation()
    for name in ('intrinsics', 'camera_projection_matrix'):
        del content['camera_data'][name]
    return content


@pytest.mark.parametrize(
    ('content', 'symmetry', 'fact'),
    [
        (make_annotation(make_object(symmetric=True)), NoSymmetry(), 'metainfo.symmetry'),
        (make_annotation(make_object(keypoints_3d=None)), RotationalSymmetry(4), 'keypoints_3d'),
        (
            make_annotation(make_object(keypoints_3d=None, symmetric=2)),
            NoSymmetry(),
            'keypoints_3d',
        ),
        (without_cameras(), RotationalSymmetry(4), 'camera_projection_matrix or intrinsics'),
    ],
)
def test_images_that_do_not_fit(content, symmetry, fact):
    good = make_annotation(make_object(symmetric=False), make_object(symmetric=False))
    table = table_of(good, content, good)
    assert check(table, symmetries=[symmetry]) == ['0.png', '2.png']
    with raises(DataError, "1.png, objects[0] of class 'bottle'") as error:
        check(table, symmetries=[symmetry], on_error='raise')
    assert fact in error.value.problem


@pytest.mark.parametrize(
    ('content', 'symmetry'),
    [
        (make_annotation(make_object(keypoints_3d=None)), NoSymmetry()),
        (make_annotation(make_object(keypoints_3d=None, symmetric=False)), RotationalSymmetry(4)),
        (without_cameras(), NoSymmetry()),
    ],
)
def test_3d_is_needed_for_symmetry_only(content, symmetry):
    assert check(table_of(content), symmetries=[symmetry]) == ['0.png']


def test_unknown_class_among_several():
    table = table_of(classes('shoe', 'cup'), classes('cup', 'hat'))
    options = {'categories': ('cup', 'shoe'), 'symmetries': (RotationalSymmetry(2), NoSymmetry())}
    assert check(table, **options) == ['0.png']
    with raises(DataError, "1.png, objects[1] of class 'hat'") as error:
        check(table, **options, on_error='raise')
    assert 'cup, shoe' in error.value.problem


def test_symmetry_of_the_own_category_counts():
    item = make_object(**{'class': 'shoe'}, symmetric=True)
    table = table_of(make_annotation(item))
    cup_is_symmetric = (RotationalSymmetry(2), NoSymmetry())
    shoe_is_symmetric = (NoSymmetry(), RotationalSymmetry(2))
    assert check(table, ('cup', 'shoe'), cup_is_symmetric) == []
    assert check(table, ('cup', 'shoe'), shoe_is_symmetric) == ['0.png']


def test_no_objects():
    content = make_annotation()
    content['objects'] = []
    table = table_of(content)
    assert label_objects(table, ['a', 'b']).shape == (0,)
    assert check(table) == ['0.png']
    assert np.array_equal(table.object_ranges(), [0, 0])
