"""Data-parallel training on GPUs and CPUs."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from cpose.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class PoseDistributedDataParallel(MMDistributedDataParallel):
    """MMEngine's wrapper that also works on CPUs and logs the losses of all ranks.

    Args:
        module: The model.
        device_ids: The GPU of this process; ignored on CPUs, where torch refuses it.
        kwargs: Further arguments of `torch.nn.parallel.DistributedDataParallel`.
    """

    def __init__(
        self, module: nn.Module, device_ids: list[int] | None = None, **kwargs: Any
    ) -> None:
        on_cpu = next(module.parameters()).device.type == 'cpu'
        super().__init__(module, device_ids=None if on_cpu else device_ids, **kwargs)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Train on one batch.

        Returns:
            The losses by name, averaged over the ranks.
        """
        losses = super().train_step(data, optim_wrapper)
        mean = torch.stack([value.detach().float().reshape(()) for value in losses.values()])
        all_reduce(mean, op='mean')
        return dict(zip(losses, mean, strict=True))
