"""The metric size of cuboids whose unit of length is unknown.

Letters: n cuboids.
"""

import numpy as np

from cpose.evaluation.matched_pairs import MatchedPairs
from cpose.registry import METRICS


@METRICS.register_module()
class AbsoluteScale:
    """Take predicted lengths as metres."""

    def factors(self, pairs: MatchedPairs) -> np.ndarray:
        """Return (n,) ones."""
        return np.ones(len(pairs))


NUM_BASE_CORNERS = 4


def ground_plane_scale(keypoints_gl: np.ndarray, planes_gl: np.ndarray) -> np.ndarray:
    """Return the factors that put the four lowest corners on the ground plane.

    Each corner's ray meets the plane at its own factor; the mean of the four is returned. The
    lowest corners are those of least product with the normal.
    Source: Ahmadyan et al., "Objectron", evaluation; TAO PyTorch 6.25.10.

    Args:
        keypoints_gl: (n, 9, 3), unknown unit.
        planes_gl: (n, 2, 3), a point (metres) and the normal; NaN where there is no plane.

    Returns:
        (n,), metres per unit; NaN where there is no plane or a ray is parallel to it.
    """
    center, normal = planes_gl[:, 0], planes_gl[:, 1]
    heights = np.einsum('nkj,nj->nk', keypoints_gl[:, 1:], normal)
    base = np.sort(heights, axis=1)[:, :NUM_BASE_CORNERS]
    with np.errstate(divide='ignore', invalid='ignore'):
        factors = ((center * normal).sum(axis=1)[:, None] / base).mean(axis=1)
    return np.where(np.isfinite(factors), factors, np.nan)


def height_scale(keypoints: np.ndarray, gt_keypoints: np.ndarray) -> np.ndarray:
    """Return the factors (n,) that give cuboids (n, 9, 3) the height of the true ones."""
    with np.errstate(divide='ignore', invalid='ignore'):
        return _heights(gt_keypoints) / _heights(keypoints)


def _heights(keypoints: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(keypoints[:, 3] - keypoints[:, 1], axis=-1))


@METRICS.register_module()
class GroundPlaneScale:
    """Put predictions on the annotated ground plane.

    Without a plane, or where a corner's ray is parallel to it, the prediction gets the height
    of the object it is matched to. Source: TAO PyTorch 6.25.10, evaluation.
    Deviation: the fallback; TAO refuses annotations without a plane.
    """

    def factors(self, pairs: MatchedPairs) -> np.ndarray:
        """Return (n,) metres per predicted unit."""
        by_plane = ground_plane_scale(pairs.pred_keypoints, pairs.planes)
        by_height = height_scale(pairs.pred_keypoints, pairs.gt_keypoints)
        return np.where(np.isnan(by_plane), by_height, by_plane)
