"""Annotate a folder again from the visible corners of its annotations alone.

Run ``python -m benchmarks.accuracy.annotated_corners DIR``; it prints a table in Markdown: per box
the angle between both poses, the largest error of a ratio of extents and the error of the focal
length, with the camera of the file and with an unknown one. A corner is visible if a face around
it is turned to the camera, by the pose of the file; nothing else of that pose is used.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from cpose.annotation.cuboid_problem import CuboidProblem
from cpose.annotation.cuboid_solver import CuboidSolution, solve_cuboid
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import CORNER_SIGNS

COLUMNS = (
    *('file', 'corners', 'camera', 'rotation', 'ratio', 'focal length', 'rms'),
    'left open',
)


def annotated_rotation(keypoints_cv: np.ndarray) -> np.ndarray:
    """Return (3, 3) the rotation of keypoints (9, 3), OpenCV camera from object."""
    sides = keypoints_cv[1:].T @ CORNER_SIGNS
    left, _, right = np.linalg.svd(sides / np.linalg.norm(sides, axis=0))
    return np.asarray(left @ right)


def visible_corners(keypoints_cv: np.ndarray) -> np.ndarray:
    """Return the numbers of the corners, 0 to 7, of faces that are turned to the camera."""
    corners = keypoints_cv[1:]
    is_seen = np.zeros(8, dtype=bool)
    for axis in range(3):
        for side in (-1, 1):
            on_face = CORNER_SIGNS[:, axis] == side
            middle = corners[on_face].mean(axis=0)
            if (middle - keypoints_cv[0]) @ middle < 0:
                is_seen |= on_face
    return np.flatnonzero(is_seen)


def solve_again(annotation: Annotation, number: int, is_camera_known: bool) -> CuboidSolution:
    """Solve one object of a file from its visible corners."""
    cuboids = annotation.cuboids
    seen = visible_corners(cv_from_gl(cuboids.keypoints_gl[number]))
    corners = np.full((8, 2), np.nan)
    corners[seen] = cuboids.keypoints_image[number, 1 + seen]
    camera = annotation.intrinsics if is_camera_known else None
    found = solve_cuboid(CuboidProblem(corners, annotation.image_wh, camera))
    assert found is not None
    return found


def compare(path: Path, annotation: Annotation, number: int, is_camera_known: bool) -> list[str]:
    """Return one row of the table."""
    found = solve_again(annotation, number, is_camera_known)
    keypoints_cv = cv_from_gl(annotation.cuboids.keypoints_gl[number])
    cosine = (np.trace(annotated_rotation(keypoints_cv).T @ found.rotation) - 1) / 2
    dims = annotation.cuboids.dims_metric[number]
    ratios = np.abs(np.log((found.dims / found.dims[1]) / (dims / dims[1])))
    focal = found.intrinsics[0, 0] / annotation.intrinsics[0, 0] - 1
    return [
        path.stem,
        str(len(visible_corners(keypoints_cv))),
        'file' if is_camera_known else 'unknown',
        f'{np.degrees(np.arccos(np.clip(cosine, -1, 1))):.2f}°',
        f'{100 * np.expm1(ratios.max()):.1f} %',
        '' if is_camera_known else f'{100 * focal:+.1f} %',
        f'{found.residual_px:.2f} px',
        ', '.join(found.undetermined),
    ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, metavar='DIR')
    folder = parser.parse_args().folder
    rows = [COLUMNS, ('---',) * len(COLUMNS)]
    for path in sorted(folder.glob('*.json')):
        annotation = read_annotation(path)
        for number in range(len(annotation.cuboids)):
            for is_camera_known in (True, False):
                rows.append(tuple(compare(path, annotation, number, is_camera_known)))
    sys.stdout.writelines(f'| {" | ".join(row)} |\n' for row in rows)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
