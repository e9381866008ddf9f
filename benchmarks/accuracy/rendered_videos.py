"""Drawn videos of boxes that are hidden for a moment and pass behind each other.

They are those of `SyntheticVideoDataset` but for two changes: in one half of them something passes
in front of the boxes again and again, in the other half two boxes swing past each other.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from cpose.apis.builder import build_model, resolve_config
from cpose.datasets.moving_scene import FPS, BoxMotion, Sway, Video, sample_video
from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic_video_dataset import SyntheticVideoDataset
from cpose.models.layers.fuse import fuse_for_inference
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

FRAMES = 300
IMAGE_WH = (480, 360)
PASSING_SECONDS = 2.8
"""Of what passes in front from one side to the other: boxes are hidden for up to ten frames."""
CROSSING_SPEED = 1.2
"""Of two boxes that swing past each other, radians/s."""
NEAR_SCALE, FAR_SCALE = 1.3, 0.6
"""Of the size of the nearer one, and of its height that of the farther one."""
GAP = 1.1
"""Between two such boxes in depth, in mean diagonals."""
LEAST_SCORE = 0.2
"""Of what is kept, so that trackers can be tried with other thresholds than that of the model."""
PASSED, CROSSED = 'something passes in front', 'boxes pass each other'
PIPELINE = (
    {'type': 'LoadPoseImage'},
    {'type': 'LetterboxAffine'},
    {'type': 'PackPoseInputs'},
)
REALISM = {
    'box_span': (0.25, 0.55),
    'sides': (0.35, 2.2),
    'pitch_deg': (10.0, 45.0),
    'odd_camera': 0.0,
    'cut_off': 0.0,
    'solids': (0, 0),
    'occluder': 1.0,
}
Frame = tuple[PoseDataSample, PoseResult]
"""What is annotated, and what the network found."""


class RenderedVideos(SyntheticVideoDataset):
    """Even videos have something that passes in front, odd ones boxes that pass each other."""

    def _open(self, number: int) -> Video:
        if number not in self._videos:
            self._videos.clear()
            self._videos[number] = make_video(self.seed, number)
        return self._videos[number]


def kind_of(number: int) -> str:
    """Return what happens in a video."""
    return CROSSED if number % 2 else PASSED


def make_video(seed: int, number: int) -> Video:
    """Return a video; it depends on seed and number alone."""
    objects = (2, 2) if kind_of(number) == CROSSED else (2, 3)
    low = {'pitch_deg': (8.0, 22.0)} if kind_of(number) == CROSSED else {}
    realism = RealismSettings.from_config({**REALISM, **low})
    video = sample_video((seed, number), IMAGE_WH, objects, FRAMES, realism)
    if kind_of(number) == CROSSED:
        return _cross(video, np.random.default_rng([seed, number, 5]))
    return replace(video, seconds=PASSING_SECONDS)


def _cross(video: Video, rng: np.random.Generator) -> Video:
    """Let the two boxes swing to and fro across the picture, the smaller one behind the other."""
    near, far = sorted(video.scene.boxes, key=lambda box: float(np.hypot(*box.position)))
    near = replace(near, dims=near.dims * NEAR_SCALE, level=0.0)
    far = replace(far, dims=far.dims * FAR_SCALE * near.height / far.height, level=0.0)
    gap = GAP * np.mean([np.linalg.norm(box.dims) for box in (near, far)])
    far = replace(far, position=np.array([far.position[0], near.position[1] - gap]))
    motions = [_swing(box, side, rng) for box, side in ((near, 1), (far, -1))]
    scene = replace(video.scene, boxes=[near, far])
    return replace(video, scene=scene, motions=motions, passing=None)


def _swing(box: Box, side: int, rng: np.random.Generator) -> BoxMotion:
    """Return a swing along world X about the middle of the picture."""
    start = float(box.position[0])
    reach = max(0.7 * float(np.linalg.norm(box.dims)), 1.1 * abs(start))
    phase = np.arcsin(start / reach)
    phase = phase if side > 0 else np.pi - phase
    speed = CROSSING_SPEED * rng.uniform(0.8, 1.2)
    shift = Sway(np.array([reach, 0.0]), np.array([speed, 0.0]), np.array([phase, 0.0]))
    return BoxMotion(shift, rng.uniform(-0.8, 0.8), (0.0, 1.0))


def find_poses(model: str, seed: int, number: int, frames: int = FRAMES) -> list[Frame]:
    """Draw a video and run a network over its frames, each alone.

    Args:
        model: Weights that carry their config.
        seed: Of the videos.
        number: Of the video.
        frames: Length of the video.
    """
    config = resolve_config(None, model)
    config.model.head.postprocessor.eval_score_thr = LEAST_SCORE
    network = fuse_for_inference(build_model(config, model))
    dataset = config.test_dataloader.dataset
    videos = RenderedVideos(
        1,
        frames,
        PIPELINE,
        start_video=number,
        image_wh=IMAGE_WH,
        metainfo=dataset.metainfo,
        input_wh=tuple(dataset.input_wh),
        seed=seed,
    )
    return list(_run(network, videos))


def _run(network: Any, videos: RenderedVideos) -> Iterator[Frame]:
    for index in range(len(videos)):
        item: dict[str, Any] = videos[index]
        pixels: Tensor = item['inputs']
        sample: PoseDataSample = item['data_samples']
        (result,) = network.test_step({'inputs': [pixels], 'data_samples': [sample]})
        yield sample, result


def seconds_of(number: int) -> float:
    """Return the time of a frame."""
    return number / FPS
