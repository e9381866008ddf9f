"""Networks of this project in PyTorch."""

from typing import Any

import torch
from torch import Tensor, nn

from cpose.registry import RUNTIMES


@RUNTIMES.register_module()
class TorchRuntime:
    """Run a network up to the decoded detections, as an exported one does.

    Args:
        model: A `CenterPose` in evaluation mode.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model: Any = model

    @torch.inference_mode()
    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the detections of normalised images (N, 3, H, W), see `CenterPoseCodec.decode`."""
        detections: dict[str, Tensor] = self.model.head.codec.decode(self.model(inputs))
        return detections

    def describe(self) -> str:
        """Return version, device and threads."""
        device = next(self.model.parameters()).device
        return f'PyTorch {torch.__version__}, {device}, {torch.get_num_threads()} threads'
