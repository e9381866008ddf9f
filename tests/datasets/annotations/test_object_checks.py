import numpy as np
import pytest

from cpose.codecs.symmetries import NoSymmetry, RotationalSymmetry
from cpose.datasets.annotations import object_checks
from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.object_checks import (
    IGNORED_LABEL,
    LEFT_OUT_LABEL,
    check_classes,
    has_target,
    ignored_boxes,
    keep_consistent,
    label_objects,
    symmetry_orders,
    warn_of_absent_classes,
    warn_of_invisible_objects,
    warn_of_lost_symmetry,
)
from cpose.errors import ConfigError, DataError

from ...user_errors import raises
from ..annotated_files import make_annotation, make_object


def table_of(*contents):
    annotations = [parse_annotation(content, 'a.json') for content in contents]
    paths = [f'{i}.png' for i in range(len(contents))]
    return AnnotationTable.build(paths, [(0,) * 4] * len(contents), annotations)


def classes_of(*names):
    return make_annotation(*[make_object(**{'class': name}) for name in names])


def test_one_category_takes_every_class():
    table = table_of(classes_of('cup', 'mug'), classes_of(None))
    assert label_objects(table, ['cup']).tolist() == [0, 0, 0]


def test_several_categories_go_by_class():
    table = table_of(classes_of('shoe', 'cup'), classes_of('cup', 'Cup', None))
    assert label_objects(table, ['cup', 'shoe']).tolist() == [1, 0, 0, -1, -1]


BOTTLE = (RotationalSymmetry(12),)


def check(table, categories=('bottle',), symmetries=BOTTLE, on_error='skip'):
    problems = DataProblems(on_error)
    labels = label_objects(table, categories)
    kept = keep_consistent(table, labels, categories, symmetries, problems)
    if on_error == 'raise':
        problems.report('data')
    return kept.paths.tolist()


def test_good_table_is_returned_as_it_is():
    table = table_of(make_annotation(), make_annotation(make_object(symmetric=True)))
    problems = DataProblems()
    labels = label_objects(table, ['bottle'])
    assert keep_consistent(table, labels, ['bottle'], [RotationalSymmetry(2)], problems) is table
    assert len(problems) == 0


def without_cameras():
    content = make_annotation()
    for name in ('intrinsics', 'camera_projection_matrix'):
        del content['camera_data'][name]
    return content


@pytest.mark.parametrize(
    ('content', 'symmetry', 'fact'),
    [
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
    table = table_of(classes_of('shoe', 'cup'), classes_of('cup', 'hat'))
    options = {'categories': ('cup', 'shoe'), 'symmetries': (RotationalSymmetry(2), NoSymmetry())}
    assert check(table, **options) == ['0.png']
    with raises(DataError, "1.png, objects[1] of class 'hat'") as error:
        check(table, **options, on_error='raise')
    assert 'cup, shoe' in error.value.problem


def test_symmetry_of_the_own_category_counts(monkeypatch):
    told = []
    monkeypatch.setattr(object_checks, 'print_log', lambda text, **_: told.append(text))
    item = make_object(**{'class': 'shoe'}, symmetric=True)
    table = table_of(make_annotation(item, item))
    labels = label_objects(table, ('cup', 'shoe'))
    cup_is_symmetric = (RotationalSymmetry(2), NoSymmetry())
    shoe_is_symmetric = (NoSymmetry(), RotationalSymmetry(2))
    assert check(table, ('cup', 'shoe'), cup_is_symmetric) == ['0.png']
    assert symmetry_orders(table, labels, cup_is_symmetric).tolist() == [1, 1]
    assert symmetry_orders(table, labels, shoe_is_symmetric).tolist() == [2, 2]
    warn_of_lost_symmetry(table, labels, shoe_is_symmetric, 'folder a')
    assert told == []
    warn_of_lost_symmetry(table, labels, cup_is_symmetric, 'folder a')
    assert ['2 objects of folder a have symmetric: true' in text for text in told] == [True]


def test_no_objects():
    content = make_annotation()
    content['objects'] = []
    table = table_of(content)
    assert label_objects(table, ['a', 'b']).shape == (0,)
    assert check(table) == ['0.png']
    assert np.array_equal(table.object_ranges(), [0, 0])


@pytest.mark.parametrize(
    ('classes', 'expected'),
    [
        ({}, [0, 0, 0]),
        ({'mug': 'leave_out'}, [0, LEFT_OUT_LABEL, 0]),
        ({'mug': 'ignore', '*': 'leave_out'}, [0, IGNORED_LABEL, LEFT_OUT_LABEL]),
        ({'mug': 'cup', '*': 'ignore'}, [0, 0, IGNORED_LABEL]),
        ({'cup': 'leave_out'}, [LEFT_OUT_LABEL, 0, 0]),
    ],
)
def test_classes_of_one_category(classes, expected):
    check_classes(classes, ['cup'])
    assert label_objects(table_of(classes_of('cup', 'mug', None)), ['cup'], classes).tolist() == (
        expected
    )


def test_classes_of_several_categories():
    table = table_of(classes_of('cup', 'mug', 'boot', 'hat'))
    meaning = {'mug': 'cup', 'boot': 'shoe'}
    assert label_objects(table, ['cup', 'shoe'], meaning).tolist() == [0, 0, 1, -1]
    meaning['*'] = 'leave_out'
    assert label_objects(table, ['cup', 'shoe'], meaning).tolist() == [0, 0, 1, LEFT_OUT_LABEL]


@pytest.mark.parametrize('classes', [{'mug': 'cupp'}, ['mug'], {'*': 7}])
def test_classes_that_mean_nothing(classes):
    with raises(ConfigError, argument='classes'):
        check_classes(classes, ['cup'])


def test_ignored_boxes():
    table = table_of(classes_of('cup'), classes_of('mug', 'cup'))
    labels = label_objects(table, ['cup'], {'mug': 'ignore'})
    boxes, images = ignored_boxes(table, labels)
    corners = np.array(make_object()['projected_cuboid'])[1:]
    np.testing.assert_allclose(boxes, [[*corners.min(axis=0), *corners.max(axis=0)]])
    assert images.tolist() == [1]


def test_objects_with_targets():
    behind = make_object(location_cv=(0.05, -0.02, -1.5))
    table = table_of(make_annotation(make_object(), behind, make_object(), make_object()))
    labels = np.array([0, 0, 0, LEFT_OUT_LABEL])
    assert has_target(table, labels, np.array([1, 1, 1, 1]), None).tolist() == [1, 1, 1, 0]
    assert has_target(table, labels, np.array([4, 4, 4, 1]), None).tolist() == [1, 0, 1, 0]
    assert has_target(table, labels, np.array([4, 4, 4, 1]), 1).tolist() == [1, 0, 0, 0]


def test_objects_of_no_visibility(monkeypatch):
    told = []
    monkeypatch.setattr(object_checks, 'print_log', lambda text, **_: told.append(text))
    seen, hidden = make_object(visibility=0.05), make_object(visibility=0)
    warn_of_invisible_objects(table_of(make_annotation(seen), make_annotation(hidden)), 'a')
    assert told == []
    table = table_of(make_annotation(hidden, hidden))
    warn_of_invisible_objects(table, 'folder a')
    assert ['All 2 objects of folder a' in text for text in told] == [True]
    known = parse_annotation(make_annotation(hidden), 'a.json', {'visibility': 'unknown'})
    assert known.cuboids.visibility.tolist() == [1.0]


def test_names_of_classes_that_no_object_has(monkeypatch):
    told = []
    monkeypatch.setattr(object_checks, 'print_log', lambda text, **_: told.append(text))
    table = table_of(classes_of('carton', 'person'))
    warn_of_absent_classes(table, {'carton': 'box', '*': 'ignore'}, 'a')
    assert told == []
    warn_of_absent_classes(table, {'Carton': 'box', 'person': 'ignore'}, 'folder a')
    assert ["'Carton'" in text and "'carton'" in text for text in told] == [True]


def test_a_class_must_be_text():
    with raises(ConfigError, '7', argument='classes'):
        check_classes({7: 'cup'}, ['cup'])
