"""Boxes of objects: anchors, decoding and suppression of the SSD detector.

Numbers are those of the graph in @mediapipe/objectron 0.4.1675468480. Letters: A anchors, L labels.
Source: Liu et al., "SSD: Single Shot MultiBox Detector" (ECCV 2016), section 2.2.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import nms

INPUT_SIDE = 300
NUM_ANCHORS = 1917
STRIDES = (16, 32, 64, 128, 256, 512)
SCALE_RANGE = (0.2, 0.95)
ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
LOWEST_LEVEL = ((0.1, 1.0), (SCALE_RANGE[0], 2.0), (SCALE_RANGE[0], 0.5))
"""Scales and aspect ratios at the first stride, fewer than at the others."""
CENTER_GAIN = 10.0
SIZE_GAIN = 5.0
"""What offsets and logarithmic sizes are multiplied with in training, and divided by here."""
BACKGROUND = 0
MAX_IOU = 0.5


@dataclass(frozen=True)
class Detections:
    """Boxes of one image, best score first.

    Attributes:
        bboxes: (M, 4) left, top, right, bottom, as parts of the image's width and height.
        scores: (M,) 0 to 1.
        labels: (M,) numbers of the detector's labels.
    """

    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


def make_anchors() -> np.ndarray:
    """Return the anchors (A, 4): centre x and y, width and height, as parts of the image.

    They are sorted by stride, row, column and shape.
    """
    scales = [*np.linspace(*SCALE_RANGE, len(STRIDES)), 1.0]
    levels = []
    for level, stride in enumerate(STRIDES):
        between = np.sqrt(scales[level] * scales[level + 1])
        usual = [(scales[level], ratio) for ratio in ASPECT_RATIOS] + [(between, 1.0)]
        levels.append(_level_anchors(-(-INPUT_SIDE // stride), usual if level else LOWEST_LEVEL))
    return np.concatenate(levels)


def decode_boxes(encodings: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Return boxes (A, 4), left, top, right, bottom, as parts of the image.

    Args:
        encodings: (A, 4) offset in y and x and logarithmic height and width, relative to the
            anchors.
        anchors: (A, 4), as of `make_anchors`.
    """
    encodings = encodings[:, [1, 0, 3, 2]]
    center = anchors[:, :2] + encodings[:, :2] / CENTER_GAIN * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(encodings[:, 2:] / SIZE_GAIN) / 2
    return np.concatenate([center - half, center + half], axis=1)


def select_detections(
    bboxes: np.ndarray,
    logits: np.ndarray,
    labels: Collection[int],
    min_score: float,
    max_objects: int,
) -> Detections:
    """Return the best boxes of some labels, without duplicates.

    A box has the label of its largest score; another label than the wanted ones drops it. Boxes
    of all wanted labels suppress each other.

    Args:
        bboxes: (A, 4) left, top, right, bottom.
        logits: (A, L) scores before the sigmoid; label 0 is the background.
        labels: Labels wanted.
        min_score: Smallest score of a box.
        max_objects: Most boxes returned.
    """
    logits = logits.copy()
    logits[:, BACKGROUND] = -np.inf
    best = logits.argmax(axis=1)
    scores = 1 / (1 + np.exp(-logits[np.arange(len(best)), best]))
    wanted = np.flatnonzero(np.isin(best, list(labels)) & (scores >= min_score))
    order = nms(
        torch.from_numpy(bboxes[wanted]).double(),
        torch.from_numpy(scores[wanted]).double(),
        MAX_IOU,
    )
    kept = wanted[order.numpy()[:max_objects]]
    return Detections(bboxes[kept], scores[kept], best[kept])


def _level_anchors(cells: int, shapes: Collection[tuple[float, float]]) -> np.ndarray:
    """Return anchors (cells² · shapes, 4) of a square grid; shapes are scale and aspect ratio."""
    sizes = np.array([(scale * ratio**0.5, scale / ratio**0.5) for scale, ratio in shapes])
    middles = (np.arange(cells) + 0.5) / cells
    anchors = np.empty((cells, cells, len(shapes), 4))
    anchors[..., 0] = middles[None, :, None]
    anchors[..., 1] = middles[:, None, None]
    anchors[..., 2:] = sizes
    return anchors.reshape(-1, 4)
