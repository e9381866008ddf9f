"""Annotate real videos again from a few frames in which corners are placed, and compare.

Run ``python -m benchmarks.accuracy.annotated_videos``; it prints a table in Markdown. The pictures
of a folder count as the frames of a video. In some of them, spread evenly, the corners of faces
that are turned to the camera are placed where the annotation has them, off by as much as a hand is;
nothing else of the annotations is used but the camera. All others follow as in
``cpose annotate --object-moves``, or with ``poses`` as in ``--reconstruction``: the poses of the
camera are then those of the annotations, with the box as the world. A folder that is not there is
left out with a word.
"""

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.accuracy.annotated_corners import annotated_rotation, visible_corners
from benchmarks.real.sets import DATA_VARIABLE, default_data_folder
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
KNOWN = ('', 'sizes', 'poses')
HAND_PX = 1.5
"""Standard deviation of a placed corner, in each direction."""
WRONG_PX = 5.0
"""Mean distance of the corners of a frame from which what is written is wrong."""
COLUMNS = (
    *('frames', 'placed in', 'known', 'written', 'median, px', '90 %, px', 'largest, px'),
    *('wrong', 'left out', 'seconds of processor'),
)


@dataclass(frozen=True)
class Truth:
    """The annotated corners of a frame, with one labelling through the video.

    Attributes:
        path: Of the annotation.
        corners_image: (8, 2) pixels.
        corners_cv: (9, 3) metres, OpenCV frame, with the centre.
        visible: Numbers of corners of faces that are turned to the camera.
    """

    path: Path
    corners_image: np.ndarray
    corners_cv: np.ndarray
    visible: np.ndarray


def read_truth(paths: Sequence[Path]) -> tuple[list[Truth], Annotation]:
    """Return what each frame of a video shows, and the annotation of the first.

    A labelling that changes from frame to frame is turned so that the box turns least.
    """
    found, first = [], read_annotation(paths[0])
    dims, last = first.cuboids.dims_metric[0], np.zeros((3, 3))
    for path in paths:
        cuboids = read_annotation(path).cuboids
        points, own = cv_from_gl(cuboids.keypoints_gl[0]), cuboids.dims_metric[0]
        orders = [
            quarter_turn_order(turn)
            for turn in range(4)
            if np.allclose(own if turn % 2 == 0 else own[::-1], dims, rtol=0.02)
        ]
        rotations = [annotated_rotation(points[order]) for order in orders]
        best = int(np.argmax([np.trace(rotation.T @ last) for rotation in rotations]))
        order, last = orders[best], rotations[best]
        corners = cuboids.keypoints_image[0][order][1:]
        found.append(Truth(path, corners, points[order], visible_corners(points[order])))
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
        known: What is known beside: nothing, ``sizes``, or ``poses`` of the camera with the height.
        model: Finds the box where it was lost; None for none.
    """

    folder: str
    count: int
    known: str = ''
    model: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a video.

    Attributes:
        errors: (8,) pixels by number of the frame.
        reasons: Why a frame is left out, by its number.
        seconds: Of processor, from the placed corners to the written files.
    """

    errors: dict[int, np.ndarray]
    reasons: dict[int, str]
    seconds: float


def run_way(way: Way, data: Path, seed: int) -> Outcome:
    """Annotate the frames of a folder as a person would who is off by `HAND_PX`."""
    truth, first = read_truth(sorted((data / way.folder).glob('*.json')))
    with TemporaryDirectory() as name:
        root = Path(name)
        (root / 'pictures').mkdir()
        for item in truth:
            shutil.copy(item.path.with_suffix('.jpg'), root / 'pictures')
        settings = VideoSettings(camera=first.intrinsics, is_object_moved=True)
        if way.known == 'poses':
            settings = VideoSettings(reconstruction=write_transforms(root, truth, first))
        folder = prepare_video(root / 'pictures', root / 'out', settings)
        box: dict[str, Any] = {'category': 'box', 'frames': place(truth, way.count, seed)}
        dims = first.cuboids.dims_metric[0].tolist()
        box['sizes'] = {'': [None] * 3, 'sizes': dims, 'poses': [None, dims[1], None]}[way.known]
        (root / 'box.json').write_text(json.dumps({'boxes': [box]}))
        build = None if way.model is None else partial(build_proposer, way.model)
        start = time.process_time()
        contents = write_boxes(folder, root / 'box.json', build)
        seconds = time.process_time() - start
    errors, reasons = {}, {}
    for number, item in enumerate(truth):
        content = contents.get(number, 'blurred')
        if isinstance(content, str):
            reasons[number] = content
        else:
            corners = np.array(content['objects'][0]['projected_cuboid'])[1:]
            errors[number] = np.linalg.norm(corners - item.corners_image, axis=1)
    return Outcome(errors, reasons, seconds)


def write_transforms(root: Path, truth: Sequence[Truth], first: Annotation) -> Path:
    """Write the poses of the camera in the frame of the box, as ``transforms.json``."""
    frames = []
    for item in truth:
        cv_from_object = np.eye(4)
        cv_from_object[:3, :3] = annotated_rotation(item.corners_cv)
        cv_from_object[:3, 3] = item.corners_cv[0]
        matrix = np.linalg.inv(cv_from_object) @ np.diag([1.0, -1.0, -1.0, 1.0])
        name = item.path.with_suffix('.jpg').name
        frames.append({'file_path': f'pictures/{name}', 'transform_matrix': matrix.tolist()})
    assert first.intrinsics is not None
    (fx, _, cx), (_, fy, cy), _ = first.intrinsics.tolist()
    width, height = first.image_wh
    camera = {'fl_x': fx, 'fl_y': fy, 'cx': cx, 'cy': cy, 'w': width, 'h': height}
    path = root / 'transforms.json'
    path.write_text(json.dumps({'camera_model': 'PINHOLE', **camera, 'frames': frames}))
    return path


def build_proposer(model: str, editor: VideoEditor) -> Proposer:
    """Return what finds boxes in the frames of a video."""
    inferencer = CenterPoseInferencer(resolve_config(None, model), model)
    return ModelProposals(inferencer, editor, None)


def row_of(way: Way, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the cells of a table, means of several tries."""
    errors = np.array([error for item in outcomes for error in item.errors.values()])
    reasons = Counter(reason for item in outcomes for reason in item.reasons.values())
    tries = len(outcomes)
    left_out = ', '.join(
        f'{reason}: {count / tries:.2g}' for reason, count in reasons.most_common()
    )
    total = len(outcomes[0].errors) + len(outcomes[0].reasons)
    return (
        f'{way.folder}, {total}',
        str(way.count),
        ' and '.join(filter(None, (way.known, way.model))) or '–',
        f'{len(errors) / tries:.3g}',
        *(f'{value:.1f}' for value in (*np.percentile(errors, (50, 90)), errors.max())),
        f'{(errors.mean(axis=1) > WRONG_PX).sum() / tries:g}',
        left_out or '–',
        f'{np.mean([item.seconds for item in outcomes]):.0f}',
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folder_help = f'of the sets; default: {DATA_VARIABLE}, else ../shared/data'
    parser.add_argument('--data', type=Path, default=default_data_folder(), help=folder_help)
    parser.add_argument('--folders', nargs='+', default=FOLDERS, metavar='NAME')
    parser.add_argument('--placed', nargs='+', type=int, default=PLACED, metavar='N')
    parser.add_argument('--known', nargs='+', default=KNOWN, choices=KNOWN)
    parser.add_argument('--model', help='also with proposals of this model')
    parser.add_argument('--tries', type=int, default=3, help='other corners each')
    args = parser.parse_args()
    sys.stdout.writelines(f'| {" | ".join(row)} |\n' for row in (COLUMNS, ('---',) * len(COLUMNS)))
    for folder in args.folders:
        if not any((args.data / folder).glob('*.json')):
            sys.stdout.write(f'{folder} is left out: {args.data / folder} holds no annotations\n')
            continue
        for known, count in product(args.known, args.placed):
            for model in [None] if args.model is None else [None, args.model]:
                way = Way(folder, count, known, model)
                outcomes = [run_way(way, args.data, seed) for seed in range(args.tries)]
                sys.stdout.write(f'| {" | ".join(row_of(way, outcomes))} |\n')
                sys.stdout.flush()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
