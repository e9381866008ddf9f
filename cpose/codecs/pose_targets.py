"""Indexed targets of a batch: what the network should say at which cell, before maps are drawn.

A dict of tensors, one set for every symmetric candidate. Letters: B batch, S symmetric
candidates, M objects, K = 8 corners. Units are heatmap cells unless said otherwise.

========================== ================ =============================================
key                        shape            meaning
========================== ================ =============================================
labels                     (B, M) int64     category number
object_mask                (B, S, M) bool   whether there is an object
center_index               (B, S, M) int64  row * W + column of the centre's cell
center_offset              (B, S, M, 2)     centre minus its cell
box_size_wh                (B, S, M, 2)     2D box
keypoint_displacement      (B, S, M, 2K)    corner minus the centre's cell: x1, y1, x2, ...
keypoint_displacement_mask (B, S, M, 2K)    bool
keypoint_index             (B, S, M, K)     int64, cell of each corner
keypoint_offset            (B, S, M, K, 2)  corner minus its cell
keypoint_mask              (B, S, M, K)     bool, whether a corner has a peak
dims                       (B, S, M, 3)     target of the dimension branch
radius                     (B, S, M) int64  Gaussian radius
========================== ================ =============================================
"""

import torch
from torch import Tensor

PoseTargets = dict[str, Tensor]


def select_candidates(targets: PoseTargets, rows: Tensor) -> PoseTargets:
    """Keep one symmetric candidate per object.

    Args:
        targets: As above, any S.
        rows: (B, M) int64, the candidate of each object.

    Returns:
        Targets with S = 1.
    """
    batch, objects = rows.shape
    chosen = {'labels': targets['labels']}
    for name, value in targets.items():
        if name != 'labels':
            index = rows.view(batch, 1, objects, *[1] * (value.ndim - 3))
            chosen[name] = torch.take_along_dim(value, index, dim=1)
    return chosen
