"""The branches that are probabilities of peaks: centres and corners.

Letters: B batch, S symmetric candidates, M objects, C categories, K = 8 corners, H W the maps.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from cpose.codecs.base import Output, ReadPlace
from cpose.codecs.branches import CORNER_STEP, CenterBranch
from cpose.codecs.detections import Detections
from cpose.codecs.heatmap import draw_gaussians
from cpose.codecs.targets import PoseTargets
from cpose.registry import BRANCHES
from cpose.structures.cuboid import NUM_CORNERS


class HeatmapBranch(CenterBranch):
    """Base of branches that are probabilities of peaks, read everywhere."""

    read_at: ReadPlace = 'map'

    def read(self, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
        """Refuse to be read at objects.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f'{type(self).__name__} is read everywhere, see draw.')


@BRANCHES.register_module()
class CenterHeatmapBranch(HeatmapBranch):
    """Probability that a cell holds the centre of an object, a map for each category."""

    outputs: Mapping[str, Output] = {'scores': Output(1), 'clses': Output(1)}

    @property
    def channels(self) -> int:  # type: ignore[override]  # known once the head is
        """Return the number of categories."""
        return self.num_classes

    def draw(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> Tensor:
        """Return a Gaussian peak at each centre, (B, S, C, H, W)."""
        mask = targets['object_mask']
        plane = _row_number(mask) * self.num_classes + targets['labels'][:, None]
        shape = (*mask.shape[:2], self.num_classes, *heatmap_hw)
        return _draw(plane, targets['center_index'], targets['radius'], mask, shape)

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return scores, 0 to 1, and category numbers."""
        return {
            'scores': detections.scores[..., None],
            'clses': detections.classes[..., None].float(),
        }


@BRANCHES.register_module()
class CornerHeatmapBranch(HeatmapBranch):
    """Probability that a cell holds a corner, a map for each.

    Decoding can do without: untrained it has no peaks, whatever its weights.
    """

    channels = NUM_CORNERS
    step = CORNER_STEP
    is_silent_untrained = True
    outputs: Mapping[str, Output] = {
        'kps': Output(2 * NUM_CORNERS, 'cells'),
        'kps_heatmap_mean': Output(2 * NUM_CORNERS, 'cells'),
    }

    def draw(self, targets: PoseTargets, heatmap_hw: tuple[int, int]) -> Tensor:
        """Return a Gaussian peak at each corner that has one, (B, S, K, H, W)."""
        mask = targets['keypoint_mask']
        number = torch.arange(NUM_CORNERS, device=mask.device)
        plane = _row_number(mask[..., 0])[..., None] * NUM_CORNERS + number
        radius = targets['radius'][..., None].expand(mask.shape)
        shape = (*mask.shape[:2], NUM_CORNERS, *heatmap_hw)
        return _draw(plane.expand(mask.shape), targets['keypoint_index'], radius, mask, shape)

    def decode(self, detections: Detections) -> dict[str, Tensor]:
        """Return displaced corners, replaced by a matching peak, and the matching peaks alone."""
        snapped, peaks = detections.matched
        return {'kps': snapped.flatten(2), 'kps_heatmap_mean': peaks.flatten(2)}


def _row_number(mask: Tensor) -> Tensor:
    """Return the number of each candidate row in a batch, (B, S, 1), of a mask (B, S, M)."""
    batch, rows = mask.shape[:2]
    return torch.arange(batch * rows, device=mask.device).view(batch, rows, 1)


def _draw(
    plane: Tensor, index: Tensor, radius: Tensor, mask: Tensor, shape: tuple[int, ...]
) -> Tensor:
    height, width = shape[-2:]
    flat = index[mask]
    cell_xy = torch.stack([flat % width, flat // width], dim=-1)
    maps = torch.zeros(shape, device=mask.device)
    draw_gaussians(maps.view(-1, height, width), plane[mask], cell_xy, radius[mask])
    return maps
