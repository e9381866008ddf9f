import numpy as np
import pytest

from cpose.structures.image_record import ImageRecord
from cpose.structures.pose_data_sample import CuboidAnnotations


def make_annotations(count, **options):
    return CuboidAnnotations(
        labels=np.arange(count),
        keypoints_gl=np.zeros((count, 9, 3)),
        keypoints_image=np.zeros((count, 9, 2)),
        dims_metric=np.ones((count, 3)),
        visibility=np.ones(count),
        **options,
    )


def test_what_is_unknown_is_none():
    record = ImageRecord(image_path='a.png')
    assert (record.image, record.annotations, record.pixel_projection) == (None, None, None)
    assert record.num_objects == 0


def test_projection_stands_in_front_of_the_intrinsics():
    intrinsics, projection = np.eye(3), 2 * np.eye(3)
    record = ImageRecord(image_path='a', intrinsics=intrinsics)
    assert record.pixel_projection is intrinsics
    record = ImageRecord(image_path='a', intrinsics=intrinsics, projection=projection)
    assert record.pixel_projection is projection


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'image': np.zeros((4, 6))}, r'image has shape \(4, 6\), expected \(\*, \*, 3\)'),
        ({'image': np.zeros((4, 6, 3)), 'image_wh': (4, 6)}, r'expected \(6, 4, 3\)'),
        ({'intrinsics': np.zeros((3, 4))}, 'intrinsics has shape'),
        ({'projection': np.zeros(4)}, 'projection has shape'),
        (
            {'annotations': make_annotations(2), 'symmetries': [None]},
            'a.png has 1 symmetries for 2 objects',
        ),
        ({'symmetries': [None]}, '1 symmetries for 0 objects'),
    ],
)
def test_what_does_not_fit_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        ImageRecord(image_path='a.png', **values)
