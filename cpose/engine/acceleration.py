"""Mixed precision and compilation of the network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.optim import Optimizer

from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, nearest_names
from cpose.registry import OPTIM_WRAPPERS

PRECISIONS = {
    'bf16': torch.bfloat16,
    'bfloat16': torch.bfloat16,
    'fp16': torch.float16,
    'float16': torch.float16,
}


@OPTIM_WRAPPERS.register_module()
class MixedPrecisionOptimWrapper(OptimWrapper):
    """Run the forward pass in half precision; weights and optimizer stay in float32.

    With fp16 the loss is scaled, and steps whose gradients overflow are left out.

    Args:
        optimizer: The optimizer.
        dtype: 'bf16' or 'fp16'.
        init_scale: First factor of the loss with fp16.
        accumulative_counts: Iterations whose gradients are added up before a step.
        clip_grad: See `mmengine.optim.OptimWrapper`.

    Raises:
        ConfigError: If the precision is unknown.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        dtype: str,
        init_scale: float = 65536.0,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
    ) -> None:
        if dtype not in PRECISIONS:
            raise ConfigError(
                f'must be one of {", ".join(PRECISIONS)}', argument='dtype', value=dtype
            )
        super().__init__(optimizer, accumulative_counts, clip_grad)
        self.dtype = PRECISIONS[dtype]
        self.device_type = optimizer.param_groups[0]['params'][0].device.type
        self.loss_scaler = torch.amp.GradScaler(
            self.device_type, init_scale=init_scale, enabled=self.dtype == torch.float16
        )

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Add the gradients of the scaled loss."""
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Clip the unscaled gradients and step, unless they overflowed."""
        if self.clip_grad_kwargs:
            self.loss_scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of optimizer and loss scale."""
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of optimizer and, if there is one, of the loss scale."""
        state = dict(state_dict)
        scale = state.pop('loss_scaler', None)
        if scale:
            self.loss_scaler.load_state_dict(scale)
        super().load_state_dict(state)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward pass in half precision."""
        with super().optim_context(model), torch.autocast(self.device_type, dtype=self.dtype):
            yield


def compile_network(model: nn.Module, settings: bool | Mapping[str, Any] | None) -> None:
    """Compile backbone, neck and head of a model, each on its own and at its first call.

    What the parts do besides ``forward``, as encoding targets and computing losses, stays as it
    is; names in the state dict stay as well.

    Args:
        model: The model without distributed wrapper.
        settings: Config key ``compile``: arguments of ``torch.compile``, or whether to compile.

    Raises:
        ConfigError: If it is neither, or names a backend that is not there: PyTorch would notice it
            in the first step only.
    """
    if settings is None or settings is False:
        return
    if settings is not True and not isinstance(settings, Mapping):
        raise ConfigError(
            'must be true, false, or arguments of torch.compile',
            argument='compile',
            value=settings,
            place=ConfigPlace(('compile',)),
        )
    options = {} if settings is True else dict(settings)
    backend, known = options.get('backend'), torch.compiler.list_backends(exclude_tags=())
    if isinstance(backend, str) and backend not in known:
        raise ConfigError(
            'is unknown',
            argument='backend',
            value=backend,
            place=ConfigPlace(('compile.backend',)),
            advice=nearest_names(backend, known),
        )
    for part in model.children():
        if not isinstance(part, BaseDataPreprocessor):
            part.compile(**options)
