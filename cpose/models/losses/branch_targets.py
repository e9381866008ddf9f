"""Which target belongs to which branch."""

from torch import Tensor

from cpose.codecs.pose_targets import PoseTargets

OBJECT_TARGETS = {'wh': 'box_size_wh', 'reg': 'center_offset', 'scale': 'dims'}
"""Branch read at the object's centre, one mask entry per object, to the key of its target."""


def indexed_target(branch: str, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cells, target and mask of a branch.

    Letters: B batch, S candidates, E entries (objects, or objects × corners), D channels.

    Args:
        branch: wh, reg, scale, hps or hp_offset.
        targets: Indexed targets.

    Returns:
        Cells (B, S, E) int64, target (B, S, E, D), mask (B, S, E, D) bool.
    """
    if branch == 'hps':
        mask = targets['keypoint_displacement_mask']
        return targets['center_index'], targets['keypoint_displacement'], mask
    if branch == 'hp_offset':
        index, target = (
            targets['keypoint_index'].flatten(2),
            targets['keypoint_offset'].flatten(2, 3),
        )
        return index, target, targets['keypoint_mask'].flatten(2)[..., None].expand_as(target)
    target = targets[OBJECT_TARGETS[branch]]
    return targets['center_index'], target, targets['object_mask'][..., None].expand_as(target)
