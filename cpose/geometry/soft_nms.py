"""Soft non-maximum suppression of boxes.

Letters: N boxes, M that stay.
"""

import numpy as np


def suppress_softly(
    bboxes: np.ndarray, scores: np.ndarray, sigma: float, score_thr: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lower the score of each box by its overlap with every better one (Gaussian weights).

    A score is multiplied with exp(−IoU² / sigma) once for each better box that stays. Box sides
    are counted with + 1, as for whole pixels. Source: Bodla et al., "Soft-NMS: Improving Object
    Detection With One Line of Code" (ICCV 2017), equation 3; details as in TAO PyTorch 6.25.10.

    Args:
        bboxes: (N, 4), left, top, right, bottom, image pixels.
        scores: (N,), 0 to 1.
        sigma: Width of the Gaussian.
        score_thr: A box whose score is lowered below is dropped.

    Returns:
        Numbers (M,) of the boxes that stay and their lowered scores (M,), best first.
    """
    weights = np.exp(-np.square(_box_iou(np.asarray(bboxes, dtype=np.float64))) / sigma)
    left = np.array(scores, dtype=np.float64)
    kept: list[int] = []
    kept_scores: list[float] = []
    for _ in range(len(left)):
        best = int(left.argmax())
        if left[best] < score_thr:
            break
        kept.append(best)
        kept_scores.append(float(left[best]))
        left *= weights[best]
        left[best] = -np.inf
    return np.array(kept, dtype=np.int64), np.array(kept_scores)


def _box_iou(bboxes: np.ndarray) -> np.ndarray:
    low, high = bboxes[:, :2], bboxes[:, 2:]
    area = (high - low + 1).clip(min=1e-6).prod(axis=1)
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low) + 1
    shared = overlap.clip(min=0).prod(axis=2)
    return shared / (area[:, None] + area - shared)
