"""Detector first, then the corners of each object in a crop around its box.

Letters: M objects.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cpose.geometry.affine import apply_affine, crop_affine, invert_affine
from cpose.structures.cuboid import NUM_KEYPOINTS
from mediapipe_objectron.detector import (
    INPUT_SIDE,
    Detections,
    decode_boxes,
    make_anchors,
    select_detections,
)

CROP_SIDE = 224
CROP_MARGIN = 1.5
"""Side of the crop in longer sides of the box."""

Network = Callable[[np.ndarray], Sequence[np.ndarray]]
"""From an image (side, side, 3), RGB float32, to the network's outputs."""


@dataclass(frozen=True)
class FoundObjects:
    """Objects of one image, best score first.

    Attributes:
        bboxes: (M, 4) left, top, right, bottom, pixels.
        scores: (M,) scores of the detector, 0 to 1.
        labels: (M,) category numbers.
        keypoints: (M, 9, 2) centre and corners, order of `cpose.structures.cuboid`, pixels.
    """

    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    keypoints: np.ndarray


@dataclass
class TwoStages:
    """Find objects in single images.

    Source: graph of @mediapipe/objectron 0.4.1675468480, for images without a predecessor.
    Deviation: ``min_score``, 0.5 there, is free and smaller: there an object of a video needs one
    detection for many frames, and here one for each.

    Attributes:
        detect: Detector; takes pixels of −1 to 1, gives encodings (A, 4) and logits (A, L).
        find_keypoints: By category, takes pixels of 0 to 1, gives 18 coordinates in pixels of the
            crop and the probability (1,) that there is an object.
        category_of: Category number by label of the detector.
        min_score: Smallest score of the detector.
        min_presence: Smallest probability of the second stage.
        max_objects: Most objects of an image.
    """

    detect: Network
    find_keypoints: Sequence[Network]
    category_of: Mapping[int, int]
    min_score: float = 0.1
    min_presence: float = 0.99
    max_objects: int = 10

    def __post_init__(self) -> None:
        """Make the anchors once."""
        self._anchors = make_anchors()

    def __call__(self, image: np.ndarray) -> FoundObjects:
        """Return the objects in an image (H, W, 3), RGB float32 of 0 to 1."""
        detections = self._detect(image)
        labels = np.array([self.category_of[label] for label in detections.labels], dtype=np.int64)
        bboxes = detections.bboxes * np.tile(image.shape[1::-1], 2)
        keypoints = np.empty((len(labels), NUM_KEYPOINTS, 2))
        presence = np.empty(len(labels))
        for number, (bbox, label) in enumerate(zip(bboxes, labels, strict=True)):
            found = find_in_crop(self.find_keypoints[label], image, bbox)
            keypoints[number], presence[number] = found
        is_there = presence >= self.min_presence
        return FoundObjects(
            bboxes[is_there], detections.scores[is_there], labels[is_there], keypoints[is_there]
        )

    def _detect(self, image: np.ndarray) -> Detections:
        """Stretch the image to the detector's square, as in its training, and decode."""
        resized = cv2.resize(image, (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_LINEAR)
        encodings, logits = self.detect(2 * resized - 1)
        bboxes = decode_boxes(encodings, self._anchors)
        return select_detections(bboxes, logits, self.category_of, self.min_score, self.max_objects)


def find_in_crop(network: Network, image: np.ndarray, bbox: np.ndarray) -> tuple[np.ndarray, float]:
    """Return keypoints (9, 2), pixels of the image, and the probability of an object.

    Args:
        network: See `TwoStages`.
        image: (H, W, 3), RGB float32 of 0 to 1; beyond its border the last pixels are repeated.
        bbox: (4,) left, top, right, bottom, pixels.
    """
    side = CROP_MARGIN * float((bbox[2:] - bbox[:2]).max())
    crop_from_image = crop_affine((bbox[:2] + bbox[2:]) / 2, side, (CROP_SIDE, CROP_SIDE))
    crop = cv2.warpAffine(
        image,
        crop_from_image,
        (CROP_SIDE, CROP_SIDE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    coordinates, presence = network(crop)
    points = apply_affine(invert_affine(crop_from_image), coordinates.reshape(NUM_KEYPOINTS, 2))
    return points, float(presence[0])
