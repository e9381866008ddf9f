"""Fully attentional network with a convolutional stem."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from cpose.errors import ConfigError, check_number, nearest_names
from cpose.models.backbones.pretrained_backbone import PretrainedBackbone
from cpose.models.layers.fan_block import (
    ChannelNorm,
    ConvNeXtStage,
    FANBlock,
    FourierPosition,
    PatchRefinement,
)
from cpose.registry import MODELS


def checkpoint_module(module: nn.Module, *inputs: Any) -> Tensor:
    """Call a module, keep only its inputs and compute the rest again in the backward pass.

    The second computation leaves the running statistics of batch norms alone; otherwise they would
    take every batch in twice. A compiled graph writes them once by itself and takes no contexts.
    """
    if torch.compiler.is_compiling():
        return checkpoint(module, *inputs, use_reentrant=False)
    contexts = partial(_contexts, module)
    return checkpoint(module, *inputs, use_reentrant=False, context_fn=contexts)


def _contexts(module: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    """Return what surrounds the first and the second computation."""
    return nullcontext(), _fixed_statistics(module)


@contextmanager
def _fixed_statistics(module: nn.Module) -> Iterator[None]:
    """Use the statistics of the batch, but record them with no weight and do not count."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.training]
    before = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, momentum, count in before:
            norm.momentum, norm.num_batches_tracked = momentum, count


STEM_CHANNELS = (128, 256)
LAST_CHANNELS = 768


class FANArch(NamedTuple):
    """Sizes of a FAN hybrid.

    Attributes:
        stem_blocks: Blocks of the two convolutional stages.
        channels: Channels of the tokens.
        num_blocks: FAN blocks.
        num_heads: Heads of the attentions.
        middle_block: Number of the block, from 1, whose tokens are the level of stride 16.
    """

    stem_blocks: tuple[int, int]
    channels: int
    num_blocks: int
    num_heads: int
    middle_block: int


ARCHS = {
    'small': FANArch((3, 3), 384, 10, 8, 10),
    'base': FANArch((3, 3), 448, 16, 8, 16),
    'large': FANArch((3, 5), 480, 22, 10, 19),
}


@MODELS.register_module()
class FAN(PretrainedBackbone):
    """FAN hybrid with levels of stride 4, 8, 16 and 32.

    The first two levels are ConvNeXt stages. Their result becomes tokens of stride 16, which pass
    the FAN blocks. The last level is a strided convolution of the final tokens. The class token of
    the classification network, on which no level depends, is left out.

    Source: Zhou et al., "Understanding The Robustness in Vision Transformers" (ICML 2022), figure 3
    and section 3; pyramid levels as in TAO PyTorch 6.25.10.

    Args:
        arch: ``'small'``, ``'base'`` or ``'large'``.
        drop_path_rate: Share of images that skip an attention of a block in training.
        with_checkpoint: Recompute the blocks in the backward pass to save memory.
        pretrained_path: File with ImageNet weights; an empty string is none.
        frozen_stages: Number of first stages that training leaves as they are, of 4: the two of the
            stem, the blocks to the middle one, the other blocks.
        init_cfg: MMEngine's initialisation config.

    Attributes:
        out_channels: Channels of each level.
        out_strides: Stride of each level.

    Raises:
        ConfigError: If ``arch`` is unknown, the rate no share, or there are fewer stages.
        CheckpointError: If the file does not fit.
    """

    out_strides = (4, 8, 16, 32)
    optional_weights: tuple[str, ...] = ('out_norms.*', 'learnable_downsample.*')
    """Layers that ImageNet weights do not have."""

    def __init__(
        self,
        arch: str,
        drop_path_rate: float,
        with_checkpoint: bool = False,
        pretrained_path: str | None = None,
        frozen_stages: int = 0,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if arch not in ARCHS:
            raise ConfigError(
                'is no size of FAN', argument='arch', value=arch, advice=nearest_names(arch, ARCHS)
            )
        check_number('drop_path_rate', drop_path_rate, least=0, most=1)
        self.arch = ARCHS[arch]
        self.with_checkpoint = with_checkpoint
        channels, heads = self.arch.channels, self.arch.num_heads
        self.out_channels = (*STEM_CHANNELS, channels, LAST_CHANNELS)
        self.stem = nn.ModuleList(
            ConvNeXtStage(in_channels, out_channels, blocks, is_first=number == 0)
            for number, (in_channels, out_channels, blocks) in enumerate(
                zip((3, STEM_CHANNELS[0]), STEM_CHANNELS, self.arch.stem_blocks, strict=True)
            )
        )
        self.patch_proj = nn.Conv2d(STEM_CHANNELS[1], channels, kernel_size=2, stride=2)
        self.position = FourierPosition(channels)
        self.blocks = nn.ModuleList(
            FANBlock(channels, heads, drop_path_rate) for _ in range(self.arch.num_blocks)
        )
        self.refinement = nn.Sequential(PatchRefinement(channels), PatchRefinement(channels))
        self.blocks.apply(_init_linear)
        self.learnable_downsample = nn.Conv2d(channels, LAST_CHANNELS, 3, stride=2, padding=1)
        self.out_norms = nn.ModuleList(
            ChannelNorm(nn.LayerNorm(level_channels)) for level_channels in self.out_channels
        )
        middle_block = f'blocks.{self.arch.middle_block - 1}'
        self.stage_ends = ('stem.0', 'stem.1', middle_block, 'refinement')
        self.finish(pretrained_path, frozen_stages)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Turn (B, 3, H, W) into the four levels; H and W are multiples of 32."""
        fine = self.stem[0](images)
        middle = self.stem[1](fine)
        patches = self.patch_proj(middle)
        coarse, last = self._run_blocks(patches + self.position(patches))
        levels = (fine, middle, coarse, self.learnable_downsample(last))
        return tuple(norm(level) for norm, level in zip(self.out_norms, levels, strict=True))

    def _run_blocks(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Return the map after the middle block and the refined last map, both of stride 16."""
        height, width = patches.shape[-2:]
        tokens = middle = patches.flatten(2).transpose(1, 2)
        for number, block in enumerate(self.blocks, start=1):
            if self.with_checkpoint and self.training:
                tokens = checkpoint_module(block, tokens, (height, width))
            else:
                tokens = block(tokens, (height, width))
            if number == self.arch.middle_block:
                middle = tokens
        last = self.refinement(tokens)
        return tuple(
            part.unflatten(1, (height, width)).permute(0, 3, 1, 2) for part in (middle, last)
        )


def _init_linear(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
