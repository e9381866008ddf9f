"""For models that predict lengths in units of the object's height."""

import numpy as np

from cpose.evaluation.functional.scale_recovery import ground_plane_scale, height_scale
from cpose.evaluation.matched_pairs import MatchedPairs
from cpose.registry import METRICS


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
