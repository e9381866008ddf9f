"""Annotate real videos again from a few frames in which corners are placed, and compare.

Run ``python -m benchmarks.accuracy.annotated_videos``; it prints a table in Markdown. The pictures
of a folder count as the frames of a video. In some of them, spread evenly, the corners of faces
that are turned to the camera are placed where the annotation has them, off by as much as a hand is;
nothing else of the annotations is used. All others follow as in ``cpose annotate --object-moves``.
A folder that is not there is left out with a word.
"""

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.accuracy.annotated_corners import annotated_rotation, visible_corners
from benchmarks.real.sets import DEFAULT_DATA
from cpose.annotation.server.base import Proposer
from cpose.annotation.server.proposals import ModelProposals
from cpose.annotation.video.preparing import VideoSettings, prepare_video, write_boxes
from cpose.annotation.video.video_editor import VideoEditor
from cpose.apis.builder import resolve_config
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.geometry.symmetry import quarter_turn_order
from cpose.structures.camera import cv_from_gl

FOLDERS = ('biscuit_video', 'cabinet')
PLACED = (3, 5, 8)
HAND_PX = 1.5
"""Standard deviation of a placed corner, in each direction."""
WRONG_PX = 5.0
"""Mean distance of the corners of a frame from which what is written is wrong."""
COLUMNS = (
    *('frames', 'placed in', 'extents', 'model', 'written', 'median, px', '90 %, px'),
    *('largest, px', 'wrong frames', 'left out'),
)


@dataclass(frozen=True)
class Truth:
    """The annotated corners of a frame, with one labelling through the video.

    Attributes:
        corners_image: (8, 2) pixels.
        visible: Numbers of corners of faces that are turned to the camera.
    """

    corners_image: np.ndarray
    visible: np.ndarray


def read_truth(paths: Sequence[Path]) -> tuple[list[Truth], Annotation]:
    """Return what each frame of a video shows, and the annotation of the first.

    A labelling that changes from frame to frame is turned so that the box turns least.
    """
    found, last = [], None
    first = read_annotation(paths[0])
    for path in paths:
        cuboids = read_annotation(path).cuboids
        points = cv_from_gl(cuboids.keypoints_gl[0])
        turns = [quarter_turn_order(turn) for turn in range(4)]
        dims = first.cuboids.dims_metric[0]
        own = cuboids.dims_metric[0]
        fits = [
            order
            for turn, order in enumerate(turns)
            if np.allclose(own if turn % 2 == 0 else own[::-1], dims, rtol=0.02)
        ]
        rotations = [annotated_rotation(points[order]) for order in fits]
        best = 0 if last is None else int(np.argmax([np.trace(r.T @ last) for r in rotations]))
        order, last = fits[best], rotations[best]
        found.append(Truth(cuboids.keypoints_image[0][order][1:], visible_corners(points[order])))
    return found, first


def place(truth: Sequence[Truth], count: int, seed: int) -> dict[str, Any]:
    """Return corners as a hand places them in some frames, spread evenly."""
    numbers = np.linspace(0, len(truth) - 1, count).round().astype(int)
    frames = {}
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        points = truth[number].corners_image + rng.normal(0, HAND_PX, (8, 2))
        seen = truth[number].visible
        frames[str(number)] = [points[k].tolist() if k in seen else None for k in range(8)]
    return frames


@dataclass(frozen=True)
class Way:
    """A way to annotate a folder.

    Attributes:
        folder: Name below the data folder.
        count: Of frames in which corners are placed.
        has_sizes: Whether the extents are typed.
        has_poses: Whether the poses of the camera are known, as by a reconstruction.
        model: Finds the box where it was lost; None for none.
    """

    folder: str
    count: int
    has_sizes: bool = False
    has_poses: bool = False
    model: str | None = None


def run_way(way: Way, data: Path, seed: int) -> dict[str, Any]:
    """Annotate the frames of a folder; return the errors and what was left out."""
    paths = sorted((data / way.folder).glob('*.json'))
    truth, first = read_truth(paths)
    with TemporaryDirectory() as name:
        pictures = Path(name, 'pictures')
        pictures.mkdir()
        for path in paths:
            shutil.copy(path.with_suffix('.jpg'), pictures)
        settings = VideoSettings(camera=first.intrinsics, is_object_moved=True)
        if way.has_poses:
            write_transforms(Path(name, 'transforms.json'), truth, paths, first)
            settings = VideoSettings(reconstruction=Path(name, 'transforms.json'))
        folder = prepare_video(pictures, Path(name, 'out'), settings)
        box = {'category': 'carton', 'frames': place(truth, way.count, seed)}
        if way.has_sizes or way.has_poses:
            box['sizes'] = first.cuboids.dims_metric[0].tolist()
        Path(name, 'box.json').write_text(json.dumps({'boxes': [box]}))
        start = time.perf_counter()
        build = None if way.model is None else partial(build_proposer, way.model)
        contents = write_boxes(folder, Path(name, 'box.json'), build)
        seconds = time.perf_counter() - start
    errors, reasons = {}, {}
    for number, item in enumerate(truth):
        content = contents.get(number, 'blurred')
        if isinstance(content, str):
            reasons[number] = content
            continue
        corners = np.array(content['objects'][0]['projected_cuboid'])[1:]
        errors[number] = np.linalg.norm(corners - item.corners_image, axis=1)
    return {'errors': errors, 'reasons': reasons, 'seconds': seconds}
