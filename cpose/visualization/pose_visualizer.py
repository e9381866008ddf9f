"""MMEngine's visualizer for poses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.visualization import Visualizer

from cpose.geometry.rotation import quaternion_from_matrix
from cpose.registry import VISUALIZERS
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample
from cpose.visualization.pictures import picture_grid
from cpose.visualization.pose_drawer import PoseDrawer

CONTACT_SHEET_IMAGES = 12


def annotated_result(sample: PoseDataSample) -> PoseResult:
    """Return the annotation of a sample as if it had been predicted with score 1."""
    poses = [] if sample.annotations is None else annotated_poses(sample.annotations)
    return PoseResult(
        sample.image_path, sample.image_wh, sample.intrinsics, poses, sample.distortion
    )


def annotated_poses(annotations: CuboidAnnotations) -> list[ObjectPose]:
    """Return the annotated objects; those without 3D keypoints have no pose fields."""
    keypoints_cv = cv_from_gl(annotations.keypoints_gl)
    return [
        ObjectPose(
            score=1.0,
            label=int(annotations.labels[index]),
            bbox_image=_surround(annotations.keypoints_image[index, 1:]),
            corners_image=annotations.keypoints_image[index, 1:],
            dims=annotations.dims_metric[index],
            **_pose_fields(keypoints_cv[index], annotations.keypoints_image[index]),
        )
        for index in range(len(annotations))
    ]


def _surround(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _pose_fields(keypoints_cv: np.ndarray, keypoints_image: np.ndarray) -> dict[str, Any]:
    if not np.isfinite(keypoints_cv).all():
        return {}
    sides = keypoints_cv[1:].T @ CORNER_SIGNS
    rotation = sides / np.linalg.norm(sides, axis=0, keepdims=True)
    return {
        'location_cv': keypoints_cv[0],
        'quaternion_xyzw': quaternion_from_matrix(rotation),
        'keypoints_cv': keypoints_cv,
        'keypoints_image': keypoints_image,
    }


@VISUALIZERS.register_module()
class PoseVisualizer(Visualizer):
    """Draw predicted and annotated cuboids and hand the picture to the backends.

    Args:
        name: Name of the instance.
        axis_length: Length of the axes, object heights.
        show_axes: Whether to draw axes: x red, y green (up), z blue (front).
        show_points: Whether to mark and number the centre, 0, and the corners, 1 to 8.
        show_labels: Whether to write category, score and dimensions.
        **kwargs: Arguments of MMEngine's `Visualizer`, for example ``vis_backends``.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        axis_length: float = 0.5,
        show_axes: bool = True,
        show_points: bool = True,
        show_labels: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self.axis_length = axis_length
        self.show_axes = show_axes
        self.show_points = show_points
        self.show_labels = show_labels

    @property
    def drawer(self) -> PoseDrawer:
        """What draws, with the category names of the data set if they are known."""
        categories: Sequence[str] = (self.dataset_meta or {}).get('category', ())
        return PoseDrawer(
            categories, self.axis_length, self.show_axes, self.show_points, self.show_labels
        )

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: PoseResult | PoseDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: int = 0,
        step: int = 0,
        *,
        prediction: PoseResult | None = None,
    ) -> np.ndarray:
        """Draw one image, annotation to the left of the prediction if there are both.

        Args:
            name: Name of the picture for the backends.
            image: (H, W, 3), BGR uint8, the original image; left unchanged.
            data_sample: A prediction, or a sample with an annotation.
            draw_gt: Whether to draw the annotation of a sample.
            draw_pred: Whether to draw the prediction.
            show: Whether to open a window instead of calling the backends.
            wait_time: Seconds that the window stays open, 0 until a key is pressed.
            step: Step for the backends.
            prediction: What was predicted, if ``data_sample`` is an annotated sample.

        Returns:
            (H, W, 3) or (H, 2 W, 3), BGR uint8.
        """
        results = []
        if isinstance(data_sample, PoseResult):
            results = [data_sample] if draw_pred else []
        elif data_sample is not None and data_sample.annotations is not None and draw_gt:
            results = [annotated_result(data_sample)]
        if prediction is not None and draw_pred:
            results.append(prediction)
        drawn = [self.drawer.draw(image, result) for result in results] or [image.copy()]
        picture = np.concatenate(drawn, axis=1)
        rgb = np.ascontiguousarray(picture[..., ::-1])
        self.set_image(rgb)
        if show:
            self.show(rgb, win_name=name, wait_time=wait_time)
        else:
            self.add_image(name, rgb, step)
        return picture


def draw_contact_sheet(dataset: Any) -> np.ndarray:
    """Return the first images side by side, with their cuboids, as one picture (H, W, 3) uint8.

    Args:
        dataset: With ``load_record``, see `cpose.datasets.base_dataset`.
    """
    drawer = PoseDrawer(show_axes=False, show_points=False, show_labels=False)
    pictures = []
    for index in range(min(len(dataset), CONTACT_SHEET_IMAGES)):
        record = dataset.load_record(index)
        result = PoseResult(
            record.image_path,
            record.image_wh,
            record.intrinsics,
            annotated_poses(record.annotations),
        )
        pictures.append(drawer.draw(record.image, result))
    return picture_grid(pictures)
