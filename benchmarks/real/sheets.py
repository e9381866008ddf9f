"""Contact sheets: every picture of a set with what was found in it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.real.sets import AnnotatedPhotograph
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.inference_parts import find_drawer
from cpose.datasets.image_reading import read_image
from cpose.structures.cuboid import EDGES
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pictures import draw_line, picture_grid, write_picture

ANNOTATED = (80, 220, 80)
"""Colour of the annotated edges."""


def write_sheet(
    path: Path,
    inferencer: CenterPoseInferencer,
    photographs: Sequence[AnnotatedPhotograph],
    results: Sequence[PoseResult],
) -> None:
    """Draw the predictions of at least the default threshold over the annotated edges."""
    drawer = replace(find_drawer(inferencer.visualizer, inferencer.categories), show_points=False)
    threshold = inferencer.postprocessor.infer_score_thr
    pictures = []
    for photograph, result in zip(photographs, results, strict=True):
        image = read_image(str(photograph.path))
        draw_annotation(image, photograph)
        shown = [pose for pose in result.poses if pose.score >= threshold]
        pictures.append(drawer.draw(image, replace(result, poses=shown)))
    write_picture(path, picture_grid(pictures, columns=4, tile_side=480))


def draw_annotation(image: np.ndarray, photograph: AnnotatedPhotograph) -> None:
    """Draw the edges of the annotated cuboids into an image."""
    for points in photograph.annotation.cuboids.keypoints_image:
        for start, end in EDGES:
            draw_line(image, points[1 + start], points[1 + end], ANNOTATED, 1)
