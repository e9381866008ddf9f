"""Drop the fraction of projected symmetric corners, as the reference does."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from cpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class TruncateCorners(BaseTransform):
    """Cut the projected candidates of symmetric objects down to whole pixels, towards zero.

    Source: TAO PyTorch 6.25.10. For comparison with models trained there; it loses up to one
    pixel. Stands between ExpandSymmetries and the affine; objects without symmetry keep what
    their annotation says.

    Required keys: symmetries. Changed keys: cand_corners, cand_centers.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Truncate the candidates."""
        count = len(results['cand_mask'])
        orders = [symmetry.order for symmetry in results['symmetries'][:count]]
        is_projected = np.array(orders, dtype=np.int64) > 1
        for name in ('cand_corners', 'cand_centers'):
            points = results[name]
            points[is_projected] = np.trunc(points[is_projected])
        return results
