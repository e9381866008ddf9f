"""Poses of single frames against those of the trackers, on videos of known truth.

Run ``python -m benchmarks.accuracy.tracking``; it prints a table in Markdown. The scenes and the
noise of what is found stand in ``tracked_scenes.py``; no network is involved.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.accuracy.tracked_scenes import Scene, find_objects, frame_of, make_scenes
from cpose.codecs.symmetries import CuboidSymmetry
from cpose.geometry.iou3d import box_iou3d
from cpose.structures.object_pose import ObjectPose
from cpose.tracking.corner_tracker import CornerTracker
from cpose.tracking.pose_tracker import PoseTracker

LEAST_IOU = 0.5
NETWORKS = {'single images': False, 'reads the frame before': True}
SYMMETRY = {'symmetry': ({'type': 'CuboidSymmetry'},)}


@dataclass
class Errors:
    """What differs from the truth in a video.

    Attributes:
        location: Distances of centres, as a share of their distance from the camera.
        rotation: Angles, degrees, to the nearest of the equivalent labellings.
        steps: Change of the eight corners' errors from frame to frame, RMS, object heights.
        overlaps: 3D IoU, best of the equivalent labellings.
        switches: How often the number of an object changed.
        missing: Objects found in a frame that are not shown.
    """

    location: list[float] = field(default_factory=list)
    rotation: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)
    switches: int = 0
    missing: int = 0

    def row(self) -> list[str]:
        """Return the columns of the table."""
        return [
            f'{100 * np.median(self.location):.1f}',
            f'{np.median(self.rotation):.1f}',
            f'{np.median(self.steps):.3f}',
            f'{100 * np.mean(np.array(self.overlaps) >= LEAST_IOU):.1f}',
            str(self.switches),
            str(self.missing),
        ]


@dataclass
class Judge:
    """Compare the poses of a video, frame by frame, with the truth."""

    errors: Errors = field(default_factory=Errors)
    _numbers: dict[int, int] = field(default_factory=dict)
    _last: dict[int, tuple[int, np.ndarray]] = field(default_factory=dict)

    def add(self, frame: int, number: int, truth: np.ndarray, pose: ObjectPose) -> None:
        """Judge the pose of an object; ``truth`` are its keypoints (9, 3)."""
        assert pose.keypoints_cv is not None
        equal, _ = CuboidSymmetry().candidates(pose.keypoints_cv, pose.dims)
        best = equal[np.argmin(np.linalg.norm(equal - truth, axis=-1).sum(axis=1))]
        gap = best - truth
        self.errors.location.append(np.linalg.norm(gap[0]) / np.linalg.norm(truth[0]))
        self.errors.rotation.append(_angle(best, truth))
        self.errors.overlaps.append(float(box_iou3d(best[None], truth[None])[0]))
        before = self._last.get(number)
        if before is not None and before[0] == frame - 1:
            step = (gap - before[1])[1:]
            self.errors.steps.append(float(np.sqrt((step**2).sum(axis=1).mean())))
        self._last[number] = frame, gap
        if pose.track is not None:
            known = self._numbers.setdefault(number, pose.track.number)
            self.errors.switches += known != pose.track.number
            self._numbers[number] = pose.track.number


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    axes = []
    for keypoints in (first, second):
        edges = keypoints[[5, 3, 2]] - keypoints[1]
        axes.append(edges / np.linalg.norm(edges, axis=1, keepdims=True))
    cosine = ((axes[0] * axes[1]).sum() - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def run(scene: Scene, seed: int = 0, reads_previous: bool = False) -> dict[str, Errors]:
    """Return the errors of single frames and of the trackers in a scene.

    Args:
        scene: The video.
        seed: Of the noise.
        reads_previous: Whether the network reads the frame before, see `find_objects`.
    """
    rng = np.random.default_rng(seed)
    trackers: list[Any] = [CornerTracker(), PoseTracker()]
    for tracker in trackers:
        tracker.dataset_meta = SYMMETRY
        tracker.reset()
    judges: dict[str, Judge] = defaultdict(Judge)
    for frame in range(scene.frames):
        result, owners = find_objects(scene, frame, rng, reads_previous)
        truth = scene.keypoints(frame)
        for pose in result.poses:
            number = owners[id(pose)]
            judges['single frames'].add(frame, number, truth[number], pose)
        for tracker in trackers:
            judge = judges[type(tracker).__name__]
            shown = {
                id(pose.track.found): pose
                for pose in tracker.update(result, frame_of(frame)).poses
                if pose.track is not None
            }
            for pose in result.poses:
                number = owners[id(pose)]
                if id(pose) in shown:
                    judge.add(frame, number, truth[number], shown[id(pose)])
                else:
                    judge.errors.missing += 1
    return {name: judge.errors for name, judge in judges.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=6, help='objects of each scene')
    scenes = make_scenes(parser.parse_args().count)
    figures = ['location, %', 'rotation, °', 'jitter', 'IoU ≥ 0.5, %', 'switches', 'missing']
    rows = [['scene', 'network', 'poses of', *figures], ['---'] * 3 + ['---:'] * len(figures)]
    for name, scene in scenes.items():
        for network, reads_previous in NETWORKS.items():
            found = run(scene, reads_previous=reads_previous)
            rows += [[name, network, of, *errors.row()] for of, errors in found.items()]
    sys.stdout.write(''.join(f'| {" | ".join(row)} |\n' for row in rows))


if __name__ == '__main__':
    main()
