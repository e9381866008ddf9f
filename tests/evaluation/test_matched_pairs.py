import numpy as np

from cpose.evaluation.matched_pairs import gather_pairs, project_views
from cpose.geometry.symmetry import full_turn, rotate_about_up


def test_pairs_are_gathered_across_images(new_scene, new_record):
    first = new_scene().add_object((1, 1, 1)).add_prediction((2, 1, 1))
    second = new_scene(plane_gl=np.ones((2, 3)))
    second.add_object((1, 2, 1)).add_object((1, 3, 1)).add_prediction((4, 1, 1))
    second.add_prediction((5, 1, 1))
    records = [new_record(first), new_record(second)]
    pairs = gather_pairs(records, np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1]]))
    assert len(pairs) == 3
    assert pairs.pred_dims[:, 0].tolist() == [2, 5, 4]
    assert pairs.gt_dims[:, 1].tolist() == [1, 2, 3]
    assert np.isnan(pairs.planes[0]).all()
    assert (pairs.planes[1:] == 1).all()
    np.testing.assert_array_equal(pairs.pred_keypoints[1], records[1].predictions.keypoints_gl[1])


def test_no_pairs_keep_their_shapes():
    pairs = gather_pairs([], np.zeros((0, 3), dtype=int))
    assert pairs.gt_keypoints.shape == (0, 9, 3)
    assert pairs.projections.shape == (0, 3, 3)


def test_first_view_projects_to_the_annotation(new_scene, new_record):
    record = new_record(new_scene().add_object((0.2, 0.1, 0.3), (0.2, 0.1, 2), 30))
    views = rotate_about_up(record.annotations.keypoints_gl, full_turn(4))
    points = project_views(
        views, record.projection[None], np.zeros((1, 14)), record.annotations.keypoints_image
    )
    np.testing.assert_allclose(points[:, 0], record.annotations.keypoints_image, atol=1e-9)
    assert np.abs(points[:, 1] - points[:, 0]).max() > 5
    # Two half turns exchange corner 1 (−−−) with 6 (+−+).
    np.testing.assert_allclose(points[:, 2, 6], points[:, 0, 1], atol=1e-9)


def test_annotation_stands_in_where_the_projection_is_unknown(new_scene, new_record):
    record = new_record(new_scene().add_object((0.2, 0.1, 0.3)))
    views = rotate_about_up(record.annotations.keypoints_gl, full_turn(4))
    unknown = np.full((1, 3, 3), np.nan)
    points = project_views(views, unknown, np.zeros((1, 14)), record.annotations.keypoints_image)
    np.testing.assert_array_equal(
        points, record.annotations.keypoints_image[:, None].repeat(4, axis=1)
    )
