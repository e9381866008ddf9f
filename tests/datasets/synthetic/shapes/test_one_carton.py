import numpy as np

from cpose.datasets.synthetic.shapes.carton import OneCarton, print_faces
from cpose.datasets.synthetic.shapes.cast import Cast
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

DIMS = (0.19, 0.28, 0.07)


def test_the_print_belongs_to_the_box():
    first, again, other = (print_faces(seed, np.array(DIMS)) for seed in (4, 4, 5))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first['+z'], other['+z'])
    for name, (width, height) in {
        '+x': (0.07, 0.28),
        '+y': (0.19, 0.07),
        '-z': (0.19, 0.28),
    }.items():
        rows, columns = first[name].shape[:2]
        assert abs(columns / rows * height / width - 1) < 0.02


def test_pictures_show_the_same_box_everywhere():
    pictures = SyntheticCuboidDataset(3, image_wh=(96, 64), seed=3)
    pictures.cast = Cast((OneCarton(DIMS, print_seed=4),))
    records = [pictures.load_record(number) for number in range(3)]
    dims = np.concatenate([record.annotations.dims_metric for record in records])
    np.testing.assert_allclose(dims, [DIMS] * 3)
    assert not np.array_equal(records[0].image, records[1].image)
