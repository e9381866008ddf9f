import numpy as np
import pytest

from cpose.codecs.symmetries import CuboidSymmetry, RotationalSymmetry
from cpose.datasets.synthetic.shapes.cast import build_cast, label_shapes, settings_of_shapes
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import ConfigError

from ....user_errors import raises

BOTH = [{'type': 'Carton'}, {'type': 'Cup'}]
CUPS = [{'type': 'Cup', 'handles': 0.0}, {'type': 'Cup', 'handles': 1.0}]


def make_dataset(num_images=10, **changes):
    options = {'shape': BOTH, 'image_wh': (64, 64), 'objects': (1, 3), 'seed': 3}
    return SyntheticCuboidDataset(num_images, **{**options, **changes})


def test_meta_information_is_that_of_the_shapes():
    meta = make_dataset().metainfo
    assert meta['category'] == ('cuboid', 'cup')
    assert [item['type'] for item in meta['symmetry']] == ['CuboidSymmetry', 'RotationalSymmetry']
    assert meta['eval_num_symmetry'] == (1, 100)


def test_objects_have_the_label_and_symmetry_of_their_shape():
    dataset = make_dataset()
    records = [dataset.load_record(number) for number in range(10)]
    labels = [record.annotations.labels.tolist() for record in records]
    assert [dataset.get_cat_ids(number) for number in range(10)] == labels
    found = [label for item in labels for label in item]
    assert 4 <= found.count(1) <= len(found) - 4
    assert any(set(item) == {0, 1} for item in labels)
    kinds = (CuboidSymmetry, RotationalSymmetry)
    for record in records:
        for label, dims, symmetry in zip(
            record.annotations.labels,
            record.annotations.dims_metric,
            record.symmetries,
            strict=True,
        ):
            assert isinstance(symmetry, kinds[label])
            assert np.isclose(dims[0], dims[2]) == (label == 1)  # a cup is round


def test_a_picture_without_objects_has_no_labels():
    dataset = make_dataset(2, realism={'negatives': 1.0})
    assert dataset.get_cat_ids(0) == []
    assert len(dataset.load_record(0).annotations) == 0


@pytest.mark.parametrize(
    ('shapes', 'categories', 'expected'),
    [
        (BOTH, ('cuboid', 'cup'), (0, 1)),
        (BOTH, ('cup', 'book', 'cuboid'), (2, 0)),
        ({'type': 'Cup'}, ('mug',), (0,)),
        ({'type': 'Cup'}, ('book', 'cup'), (1,)),
        (BOTH, ('box', 'mug'), (0, 1)),
        (CUPS, ('tumbler', 'mug'), (0, 1)),
        (CUPS, ('cup', 'mug'), (0, 1)),
    ],
)
def test_labels(shapes, categories, expected):
    assert label_shapes(build_cast(shapes), categories) == expected


@pytest.mark.parametrize(
    ('shapes', 'categories'),
    [(BOTH, ('cup', 'box')), (BOTH, ('box',)), (CUPS, ('mug', 'cup', 'bowl')), (CUPS, ('cup',))],
)
def test_names_that_do_not_tell_the_label(shapes, categories):
    with raises(ConfigError, categories[0], argument='metainfo.category'):
        label_shapes(build_cast(shapes), categories)


def test_annotated_shapes_and_what_is_like_them_are_no_distractors():
    settings = settings_of_shapes(['Carton', 'cup'])
    cast = build_cast(settings['shape'], settings['distractors'])
    assert [type(item).__name__ for item in cast.distractors] == ['Bottle', 'Laptop']
    assert settings_of_shapes(['carton']) == {}


@pytest.mark.parametrize('names', [['book', 'cup', 'CUP'], ['book', 'cap']])
def test_shapes_to_choose(names):
    with raises(ConfigError, argument='shape', value=names[1]):
        settings_of_shapes(names)
