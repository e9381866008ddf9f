"""Folding of batch norms into the convolutions before them."""

from collections import Counter
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cpose.models.layers.convolutions import ModulatedDeformConv

Model = TypeVar('Model', bound=nn.Module)
CONVOLUTIONS = (nn.Conv2d, ModulatedDeformConv)


@torch.no_grad()
def fuse_for_inference(model: Model, image_hw: tuple[int, int] = (64, 64)) -> Model:
    """Fold the batch norms of a network into its convolutions, in place.

    A black image is run through the model to see which batch norm reads the result of which
    convolution. In evaluation y = a · (w * x + b) + c is then one convolution with the kernel a · w
    and the bias a · b + c. Kernels are then stored with the channels last.

    The outputs stay the same up to rounding; the result can neither be trained nor saved as a
    checkpoint of the config.

    Args:
        model: Network in evaluation mode that takes images (1, 3, H, W).
        image_hw: Height and width of the trial image, multiples of the coarsest stride.

    Returns:
        The model itself.

    Raises:
        ValueError: If the model is in training mode.
    """
    if model.training:
        raise ValueError('The model is in training mode; call model.eval() before.')
    parameter = next(model.parameters())
    trial = torch.zeros(1, 3, *image_hw, dtype=parameter.dtype, device=parameter.device)
    names = {module: name for name, module in model.named_modules()}
    for conv, norm in _find_pairs(model, trial):
        _fold(conv, norm)
        parent, _, child = names[norm].rpartition('.')
        setattr(model.get_submodule(parent), child, getattr(norm, 'act', nn.Identity()))
    return model.to(memory_format=torch.channels_last)


def _find_pairs(model: nn.Module, trial: Tensor) -> list[tuple[Any, nn.BatchNorm2d]]:
    """Return convolutions and batch norms that are used once, one directly after the other."""
    producers: dict[tuple[int, int], nn.Module] = {}
    kept: list[Tensor] = []
    pairs: list[tuple[Any, nn.BatchNorm2d]] = []
    uses: Counter[nn.Module] = Counter()

    def after_conv(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        uses[module] += 1
        producers[_state(output)] = module
        kept.append(output)

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        uses[module] += 1
        if _state(inputs[0]) in producers and isinstance(module, nn.BatchNorm2d):
            pairs.append((producers[_state(inputs[0])], module))

    hooks = [
        module.register_forward_hook(after_conv)
        for module in model.modules()
        if isinstance(module, CONVOLUTIONS)
    ] + [
        module.register_forward_pre_hook(before_norm)
        for module in model.modules()
        if isinstance(module, nn.BatchNorm2d) and module.affine and module.track_running_stats
    ]
    # In inference mode tensors do not count how often they are written to.
    with torch.inference_mode(False), torch.no_grad():
        model(trial)
    for hook in hooks:
        hook.remove()
    return [(conv, norm) for conv, norm in pairs if uses[conv] == uses[norm] == 1]


def _state(tensor: Tensor) -> tuple[int, int]:
    """Return what changes when a tensor is written to: a ReLU may work in place."""
    return id(tensor), tensor._version


def _fold(conv: Any, norm: nn.BatchNorm2d) -> None:
    """Write a · w and a · b + c into the convolution."""
    mean, variance = norm.get_buffer('running_mean'), norm.get_buffer('running_var')
    factor = norm.weight / torch.sqrt(variance + norm.eps)
    bias = conv.bias if conv.bias is not None else torch.zeros_like(mean)
    conv.weight.copy_(conv.weight * factor[:, None, None, None])
    conv.bias = nn.Parameter((bias - mean) * factor + norm.bias)
