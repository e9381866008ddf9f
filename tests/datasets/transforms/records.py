"""Records as a data set hands them to the pipeline."""

import numpy as np

from cpose.codecs.symmetries import NoSymmetry
from cpose.geometry.projection import project_points
from cpose.structures.camera import cv_from_gl, gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.pose_data_sample import CuboidAnnotations

INTRINSICS = intrinsic_matrix(120.0, 125.0, 62.0, 49.0)
IMAGE_WH = (120, 100)
TILT = np.array([[0.8, 0, 0.6], [0.36, 0.8, -0.48], [-0.48, 0.6, 0.64]])


def make_annotations(locations_cv=((0.1, 0.05, 2.0), (-0.3, 0.2, 2.5)), dims=(0.3, 0.5, 0.4)):
    count = len(locations_cv)
    keypoints_cv = cuboid_keypoints(np.array(dims)) @ TILT.T + np.array(locations_cv)[:, None]
    return CuboidAnnotations(
        labels=np.arange(count),
        keypoints_gl=gl_from_cv(keypoints_cv),
        keypoints_image=project_points(keypoints_cv, INTRINSICS),
        dims_metric=np.tile(np.array(dims, dtype=np.float64), (count, 1)),
        visibility=np.ones(count),
    )


def make_record(annotations=None, symmetries=None, seed=0, **changes):
    annotations = make_annotations() if annotations is None else annotations
    return {
        'img_path': 'a.png',
        'img': np.random.default_rng(seed).integers(0, 256, (*IMAGE_WH[::-1], 3), dtype=np.uint8),
        'image_wh': IMAGE_WH,
        'input_wh': (64, 64),
        'intrinsics': INTRINSICS,
        'projection': INTRINSICS,
        'annotations': annotations,
        'symmetries': [NoSymmetry()] * len(annotations) if symmetries is None else symmetries,
        'rng': np.random.default_rng([7, seed]),
        **changes,
    }


def keypoints_cv_of(annotations):
    return cv_from_gl(annotations.keypoints_gl)
