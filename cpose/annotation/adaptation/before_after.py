"""The picture that shows what an adaptation changed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cpose.annotation.adaptation.candidates import Candidate
from cpose.apis.config.load import load_config
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.inference_parts import find_drawer
from cpose.registry import DATASETS
from cpose.structures.object_pose import PoseResult
from cpose.visualization.pictures import draw_label, picture_grid, write_picture
from cpose.visualization.pose_visualizer import annotated_poses

MOST_ROWS = 8
"""Pictures in the sheet, evenly taken from the held-out ones."""
TILE_SIDE = 400
TEXT_SCALE = 0.6
BAR = (60, 200, 250)
TITLES = 'before', 'after'


def write_sheet(path: Path, config: Path, candidates: Sequence[Candidate]) -> None:
    """Write annotation and results of several models side by side, a row for each picture.

    Args:
        path: A JPEG file.
        config: Config whose validation data are shown.
        candidates: The model before and the one after.

    Raises:
        UserError: If something cannot be read or written.
    """
    loaded = load_config(config)
    dataset = DATASETS.build(loaded.val_dataloader.dataset)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, MOST_ROWS).round().astype(int)).tolist()
    records = [dataset.load_record(index) for index in chosen]
    paths = [record.image_path for record in records]
    columns = []
    for title, candidate in zip(TITLES, candidates, strict=True):
        known = load_config(config, candidate.options)
        inferencer = CenterPoseInferencer(known, candidate.weights)
        drawer = find_drawer(inferencer.visualizer, inferencer.categories)
        pairs = list(inferencer.iterate(paths))
        columns.append((title, [drawer.draw(image.image, result) for image, result in pairs]))
    annotated = [
        drawer.draw(
            image.image,
            PoseResult(
                record.image_path,
                image.image_wh,
                record.intrinsics,
                annotated_poses(record.annotations),
            ),
        )
        for (image, _), record in zip(pairs, records, strict=True)
    ]
    titled = [('annotation', annotated), *columns]
    tiles = [_tile(row[number], title) for number in range(len(paths)) for title, row in titled]
    write_picture(path, picture_grid(tiles, columns=len(titled), tile_side=TILE_SIDE))


def _tile(picture: np.ndarray, title: str) -> np.ndarray:
    """Return a picture at the size of a tile, with its title."""
    tile = picture_grid([picture], columns=1, tile_side=TILE_SIDE)
    draw_label(tile, [title], np.zeros(2), BAR, TEXT_SCALE)
    return tile
