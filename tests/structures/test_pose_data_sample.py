import numpy as np
import pytest

from cpose.structures.pose_data_sample import CuboidAnnotations, CuboidCandidates, PoseDataSample

SHAPES = {
    CuboidAnnotations: {
        'labels': (2,), 'keypoints_gl': (2, 9, 3), 'keypoints_image': (2, 9, 2),
        'dims_metric': (2, 3), 'visibility': (2,), 'plane_gl': (2, 3), 'symmetric': (2,),
    },
    CuboidCandidates: {
        'labels': (2,), 'centers_input': (2, 2), 'corners_input': (2, 4, 8, 2),
        'is_corner_in_image': (2, 4, 8), 'is_center_in_image': (2,),
        'dims_metric': (2, 4, 3), 'is_candidate': (2, 4),
    },
}  # fmt: skip


@pytest.mark.parametrize('kind', SHAPES)
def test_right_shapes_are_taken(kind):
    record = kind(**{name: np.zeros(shape) for name, shape in SHAPES[kind].items()})
    assert len(record) == 2


@pytest.mark.parametrize(
    ('kind', 'name'), [(kind, name) for kind, shapes in SHAPES.items() for name in shapes]
)
def test_wrong_shapes_are_named(kind, name):
    values = {field: np.zeros(shape) for field, shape in SHAPES[kind].items()}
    values[name] = np.zeros((5, *SHAPES[kind][name][1:]))
    with pytest.raises(ValueError, match='has shape'):
        kind(**values)


def test_affine_of_a_sample_is_checked():
    with pytest.raises(ValueError, match=r'input_from_image has shape \(3, 3\), expected \(2, 3\)'):
        PoseDataSample('a.png', (4, 4), (32, 32), np.eye(3))
