"""Where the annotated direction comes from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from cpose.files.json_fields import JsonFields
from cpose.files.json_files import read_json
from cpose.registry import TRANSFORMS
from example_head.handle_branch import ANGLE


@TRANSFORMS.register_module()
class LoadHandleAngle(BaseTransform):
    """Add the field ``handle_angle_deg`` of every object in the JSON file beside the image.

    An object without the field has NaN and is trained on everything else.

    Required keys: img_path, truth. Changed keys: truth.

    Raises:
        DataError: If a field is no number.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the angles; images without annotation stay as they are."""
        truth = results['truth']
        if truth is None:
            return results
        file = Path(results['img_path']).with_suffix('.json')
        objects = JsonFields(read_json(file), str(file)).list_of_fields('objects')
        angles = [item.array(ANGLE, ()) if item.has(ANGLE) else np.nan for item in objects]
        extras = {**truth.extras, ANGLE: np.array(angles, dtype=np.float64)}
        results['truth'] = replace(truth, extras=extras)
        return results
