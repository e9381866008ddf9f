import cv2
import numpy as np
import pytest

from cpose.registry import VISUALIZERS
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.visualization.pose_drawer import AXIS_COLORS, PoseDrawer

from .scenes import CAMERA, IMAGE_WH, annotations_of, grey_image, posed_object, result_of


@pytest.fixture
def visualizer(tmp_path):
    return VISUALIZERS.build(
        {
            'type': 'PoseVisualizer',
            'name': str(tmp_path),
            'vis_backends': [{'type': 'LocalVisBackend'}],
            'save_dir': str(tmp_path),
        }
    )


@pytest.fixture
def annotated():
    annotations = annotations_of(posed_object((0.2, 0.1, 5.0)))
    return PoseDataSample(
        'a.png', IMAGE_WH, (512, 512), np.eye(2, 3), CAMERA, annotations=annotations
    )


def test_prediction_reaches_the_backend(visualizer, tmp_path):
    visualizer.dataset_meta = {'category': ('cup',)}
    result = result_of(posed_object())
    picture = visualizer.add_datasample('val', grey_image(), result, step=7)
    expected = PoseDrawer(('cup',)).draw(grey_image(), result)
    np.testing.assert_array_equal(picture, expected)
    saved = cv2.imread(str(next(tmp_path.rglob('val_7.png'))))
    np.testing.assert_array_equal(saved, expected)
    assert (saved == AXIS_COLORS[0]).all(axis=2).any(), 'colours are exchanged'


def test_annotations_beside_prediction(visualizer, annotated):
    result = result_of(posed_object())
    picture = visualizer.add_datasample('both', grey_image(), annotated, prediction=result)
    width = IMAGE_WH[0]
    assert picture.shape == (IMAGE_WH[1], 2 * width, 3)
    right = visualizer.add_datasample('prediction', grey_image(), result)
    np.testing.assert_array_equal(picture[:, width:], right)
    left = visualizer.add_datasample('annotations', grey_image(), annotated)
    np.testing.assert_array_equal(picture[:, :width], left)


def test_what_is_not_wanted_is_not_drawn(visualizer, annotated):
    plain = visualizer.add_datasample('none', grey_image(), annotated, draw_gt=False)
    np.testing.assert_array_equal(plain, grey_image())
    plain = visualizer.add_datasample('none', grey_image(), result_of(), draw_pred=False)
    np.testing.assert_array_equal(plain, grey_image())
    np.testing.assert_array_equal(visualizer.add_datasample('none', grey_image()), grey_image())


def test_settings(tmp_path):
    settings = {'axis_length': 1.0, 'show_points': False, 'show_labels': False}
    visualizer = VISUALIZERS.build({'type': 'PoseVisualizer', 'name': str(tmp_path), **settings})
    result = result_of(posed_object())
    picture = visualizer.add_datasample('x', grey_image(), result)
    np.testing.assert_array_equal(picture, PoseDrawer(**settings).draw(grey_image(), result))
