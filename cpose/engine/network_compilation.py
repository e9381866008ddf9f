"""Compile the network of a model with ``torch.compile``."""

from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseDataPreprocessor
from torch import nn


def compile_network(model: nn.Module, settings: bool | Mapping[str, Any] | None) -> None:
    """Compile backbone, neck and head of a model, each on its own and at its first call.

    What the parts do besides ``forward``, as encoding targets and computing losses, stays as it
    is; names in the state dict stay as well.

    Args:
        model: The model without distributed wrapper.
        settings: Config key ``compile``: arguments of ``torch.compile``, or whether to compile.
    """
    if settings is None or settings is False:
        return
    options = {} if settings is True else dict(settings)
    for part in model.children():
        if not isinstance(part, BaseDataPreprocessor):
            part.compile(**options)
