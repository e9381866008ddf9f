import itertools

import numpy as np

from cpose.datasets.annotations.annotation import parse_annotation
from cpose.datasets.annotations.annotation_table import AnnotationTable, annotations_of
from cpose.structures.pose_data_sample import field_arrays

from ..annotated_files import make_annotation, make_object


def annotation(count, **changes):
    objects = [
        make_object(dims=(1, 2, k + 1), location_cv=(0, 0, 20), **changes) for k in range(count)
    ]
    return parse_annotation({**make_annotation(), 'objects': objects}, 'a.json')


def make_table(counts):
    annotations = [None if count is None else annotation(count) for count in counts]
    paths = [f'{i}.png' for i in range(len(counts))]
    keys = [(i, 2, 3, 4) for i in range(len(counts))]
    return AnnotationTable.build(paths, keys, annotations), annotations


def contents(table):
    """Return what a table says, image by image."""
    ranges = table.object_ranges()
    return [
        (table.paths[i], *table.images['key'][i], table.objects['dims_metric'][a:b].tolist())
        for i, (a, b) in enumerate(itertools.pairwise(ranges))
    ]


def test_annotations_come_back():
    table, annotations = make_table([2, 0, 1])
    ranges = table.object_ranges()
    for i, expected in enumerate(annotations):
        here = slice(ranges[i], ranges[i + 1])
        found = annotations_of(
            table.images[i], table.objects[here], np.zeros(len(expected.cuboids))
        )
        assert found.labels.dtype == np.int64
        for name, array in field_arrays(expected.cuboids).items():
            np.testing.assert_array_equal(getattr(found, name), array, err_msg=name)
        np.testing.assert_array_equal(table.images['projection'][i], expected.projection)
        assert tuple(table.images['image_wh'][i]) == expected.image_wh


def test_annotations_have_the_annotated_symmetries():
    content = {**make_annotation(), 'objects': [make_object(), make_object(symmetric=False)]}
    table = AnnotationTable.build(['a'], [(0,) * 4], [parse_annotation(content, 'a.json')])
    annotations = annotations_of(table.images[0], table.objects, np.zeros(2))
    assert annotations.symmetric.tolist() == [-1, 0]


def test_absent_is_nan_or_none():
    content = make_annotation(AR_data=None)
    for name in ('intrinsics', 'camera_projection_matrix'):
        del content['camera_data'][name]
    table = AnnotationTable.build(['a'], [(0,) * 4], [parse_annotation(content, 'a.json')])
    assert np.isnan(table.images['intrinsics']).all()
    assert np.isnan(table.images['projection']).all()
    assert annotations_of(table.images[0], table.objects, np.zeros(1)).plane_gl is None


def test_without_annotation():
    table, _ = make_table([None, 1])
    assert table.images['is_annotated'].tolist() == [False, True]
    assert table.object_ranges().tolist() == [0, 0, 1]


def test_select_and_concatenate():
    table, _ = make_table([2, 0, 3, 1])
    rows = contents(table)
    assert contents(table.select(np.array([3, 0, 2]))) == [rows[3], rows[0], rows[2]]
    assert contents(table.select(np.array([], dtype=int))) == []
    joined = AnnotationTable.concatenate([table.select(np.array([2, 1])), table])
    assert contents(joined) == [rows[2], rows[1], *rows]
