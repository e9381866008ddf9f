"""A scene on a table: cuboids in front of a camera, predictions with known errors."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from cpose.codecs.symmetries import encode_symmetric
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample

INTRINSICS = intrinsic_matrix(600.0, 600.0, 300.0, 400.0)
IMAGE_WH = (600, 800)
CV_FROM_TABLE = np.diag([1.0, -1.0, -1.0])
"""Table frame: y up, z towards the camera."""


def place(dims, location=(0.0, 0.0, 2.0), yaw_deg=0.0):
    """Return keypoints (9, 3) of an upright cuboid, OpenCV frame; yaw turns +z towards +x."""
    yaw = np.radians(yaw_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return cuboid_keypoints(np.asarray(dims)) @ turn.T @ CV_FROM_TABLE + np.asarray(location)


@dataclass
class Scene:
    """Collects objects and predictions of one image."""

    name: str = 'image'
    image_wh: tuple = IMAGE_WH
    objects: list = field(default_factory=list)
    poses: list = field(default_factory=list)
    plane_gl: np.ndarray | None = None

    def add_object(
        self, dims, location=(0, 0, 2.0), yaw_deg=0.0, visibility=1.0, label=0, symmetric=None
    ):
        keypoints = place(dims, location, yaw_deg)
        code = encode_symmetric(symmetric)
        self.objects.append((label, keypoints, np.asarray(dims, dtype=float), visibility, code))
        return self

    def add_prediction(self, dims, location=(0, 0, 2.0), yaw_deg=0.0, score=0.9, label=0):
        """Add a pose in units of its height, as the model gives it."""
        keypoints = place(dims, location, yaw_deg)
        corners = project_points(keypoints, INTRINSICS)
        self.poses.append(
            ObjectPose(
                score=score,
                label=label,
                bbox_image=np.zeros(4),
                corners_image=corners[1:],
                dims=np.asarray(dims) / dims[1],
                keypoints_cv=keypoints / dims[1],
                keypoints_image=corners,
            )
        )
        return self

    def add_failure(self, score=0.9, label=0):
        corners = np.full((8, 2), 100.0)
        self.poses.append(
            ObjectPose(score, label, np.zeros(4), corners, np.ones(3), failure='too few points')
        )
        return self

    @property
    def annotations(self):
        keypoints = np.array([item[1] for item in self.objects]).reshape(-1, 9, 3)
        return CuboidAnnotations(
            labels=np.array([item[0] for item in self.objects], dtype=np.int64),
            keypoints_gl=gl_from_cv(keypoints),
            keypoints_image=project_points(keypoints, INTRINSICS),
            dims_metric=np.array([item[2] for item in self.objects]).reshape(-1, 3),
            visibility=np.array([item[3] for item in self.objects], dtype=float),
            plane_gl=self.plane_gl,
            symmetric=np.array([item[4] for item in self.objects], dtype=np.int64),
        )

    @property
    def sample(self):
        return PoseDataSample(
            self.name,
            self.image_wh,
            (512, 512),
            np.eye(3)[:2],
            INTRINSICS,
            annotations=self.annotations,
        )

    @property
    def result(self):
        return PoseResult(self.name, self.image_wh, INTRINSICS, self.poses)


@pytest.fixture
def new_scene():
    return Scene


@pytest.fixture
def new_record():
    """Return a function that records a scene as the metric does."""
    from cpose.evaluation.records import record_image

    return lambda scene, min_score=0.0: record_image(scene.result, scene.sample, min_score)


@pytest.fixture
def random_scenes():
    """Return a function that makes scenes with misses, duplicates and false positives."""

    def make(count, seed, labels=1):
        generator = np.random.default_rng(seed)
        return [random_scene(f'image_{n}', generator, labels) for n in range(count)]

    return make


def random_scene(name, generator, labels):
    scene = Scene(name, plane_gl=gl_from_cv(np.array([[0.0, 0.8, 2.0], [0.0, -1.0, 0.0]])))
    for _ in range(generator.integers(0, 4)):
        dims = generator.uniform(0.1, 0.3, 3)
        location = np.array([*generator.uniform(-0.5, 0.5, 2), generator.uniform(2, 3)])
        location[1] = 0.8 - dims[1] / 2
        yaw, label = generator.uniform(0, 360), int(generator.integers(labels))
        visibility = generator.choice([0.0, 0.05, 0.3, 1.0])
        scene.add_object(dims, location, yaw, visibility, label)
        for _ in range(generator.choice([0, 1, 1, 1, 2])):
            scene.add_prediction(
                dims * generator.normal(1, 0.1, 3),
                location + generator.normal(scale=0.01, size=3),
                yaw + generator.normal(scale=10),
                generator.random(),
                label,
            )
    if generator.random() < 0.2:
        scene.add_failure(generator.random(), int(generator.integers(labels)))
    if generator.random() < 0.3:
        scene.add_prediction((0.1, 0.1, 0.1), (0.4, 0, 2), 0, generator.random())
    return scene
