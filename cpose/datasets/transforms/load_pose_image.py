"""Read the image of a record."""

from typing import Any

from mmcv.transforms import BaseTransform

from cpose.datasets.image_reading import read_image
from cpose.errors import DataError
from cpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadPoseImage(BaseTransform):
    """Read ``img_path``; records that bring their pixels along are left as they are.

    Required keys: img_path, or img. Added keys: img (h, w, 3) uint8 BGR, image_wh.

    Raises:
        DataError: If the file cannot be decoded or its size is not that of the annotation.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image."""
        if 'img' not in results:
            results['img'] = read_image(results['img_path'])
        height, width = results['img'].shape[:2]
        expected = results.setdefault('image_wh', (width, height))
        if expected != (width, height):
            raise DataError(
                f'{results["img_path"]} is {width}×{height} pixels, but camera_data of its '
                f'annotation says {expected[0]}×{expected[1]}. Annotations must belong to the '
                'stored image; resize both or neither.'
            )
        return results
