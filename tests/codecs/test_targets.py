import numpy as np
import pytest

from cpose.codecs.targets import stack_candidates

from .scenes import make_sample, slanted_box


def test_positions_become_cells_and_slots_are_padded():
    box = slanted_box((40, 48), (30, 20))
    one = make_sample(np.stack([box])[None], dims=[[[1, 2, 3]]])
    two = make_sample(np.stack([[box, box + 8], [box + 16, box]]))
    batch = stack_candidates([one, two], stride=4)
    assert batch.corners.shape == (2, 2, 2, 8, 2)
    np.testing.assert_allclose(batch.corners[0, 0, 0], box / 4)
    np.testing.assert_allclose(batch.corners[1, 1, 0], (box + 8) / 4)
    np.testing.assert_allclose(batch.corners[1, 0, 1], (box + 16) / 4)
    assert batch.is_kept.tolist() == [[[True, False], [False, False]], [[True, True]] * 2]
    assert batch.dims_metric[0, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(('shift', 'is_kept'), [(0, True), (-45, False)])
def test_objects_out_of_sight_are_dropped(shift, is_kept):
    box = slanted_box((30 + shift, 60), (50, 40))
    batch = stack_candidates([make_sample(box[None, None])], stride=4)
    assert batch.is_kept.item() is is_kept


def test_inputs_of_two_sizes_are_refused():
    box = slanted_box((30, 30), (20, 20))[None, None]
    samples = [make_sample(box), make_sample(box, input_wh=(64, 64))]
    with pytest.raises(ValueError, match=r'input_wh=\(64, 64\)'):
        stack_candidates(samples, 4)
