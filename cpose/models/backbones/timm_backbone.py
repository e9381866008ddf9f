"""Any feature extractor of timm as a backbone, DLA-34 among them.

timm is imported where it is used: it brings torchvision, and other networks, such as exported
files, start without the second that both need.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from torch import Tensor, nn

from cpose.errors import CheckpointError, ConfigError, nearest_names
from cpose.files.download import why_unreachable
from cpose.models.backbones.pretrained_backbone import PretrainedBackbone
from cpose.registry import MODELS

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

TIMEOUT = 5.0
"""Seconds that a server gets to answer; the Hub's own client tries for a minute."""
FILES = ('model.safetensors', 'pytorch_model.bin')
NETWORK_ERRORS: tuple[Any, ...] = (OSError, EntryNotFoundError, *HfHubHTTPError.__bases__)
"""With the base class of errors of the HTTP library that the Hub's client uses."""


@MODELS.register_module()
class TimmBackbone(PretrainedBackbone):
    """Feature pyramid of a timm model, picked by stride.

    Source: Wightman, "PyTorch Image Models", ``create_model(..., features_only=True)``.

    Args:
        name: Name of the timm model, ``timm.list_models()`` has them all.
        pretrained: Download timm's weights when built, or take them from the cache.
        out_strides: Strides of the levels to return, finest first.
        pretrained_path: File with weights of a registered family or by the names of this module,
            or ``package://`` and an installed package that holds it; an empty string is none.
        frozen_stages: Number of the network's first levels (of stride 2, 4, … in most) whose layers
            training leaves as they are.
        init_cfg: MMEngine's initialisation config; timm's own initialisation stays otherwise.
        **timm_options: More arguments for ``timm.create_model``, for example ``img_size``.

    Attributes:
        out_channels: Channels of each returned level.
        out_strides: Stride of each returned level.

    Raises:
        ConfigError: If timm does not know the model, or it has no level of a wanted stride, no
            weights to download or fewer stages.
        CheckpointError: If the weights do not fit, or there is no network to download them.
    """

    def __init__(
        self,
        name: str,
        pretrained: bool = False,
        out_strides: Sequence[int] = (4, 8, 16, 32),
        pretrained_path: str | None = None,
        frozen_stages: int = 0,
        init_cfg: Mapping[str, Any] | None = None,
        **timm_options: Any,
    ) -> None:
        super().__init__(init_cfg)
        indices = _level_indices(name, out_strides, timm_options)
        self.features = create_features(name, pretrained, out_indices=indices, **timm_options)
        info: Any = self.features.feature_info
        self.out_channels = tuple(info.channels())
        self.out_strides = tuple(info.reduction())
        self.has_channels_last = getattr(self.features, 'output_fmt', 'NCHW') == 'NHWC'
        modules = {module for module, _ in self.named_modules()}
        ends = [_module_name(level['module'], modules) for level in info.info]
        self.stage_ends = tuple(end for end in ends if end)
        self.finish(pretrained_path, frozen_stages)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Turn (B, 3, H, W) into one (B, channels, H / stride, W / stride) map per level."""
        maps = self.features(images)
        if self.has_channels_last:
            maps = [level.permute(0, 3, 1, 2) for level in maps]
        return tuple(maps)

    def init_weights(self) -> None:
        """Apply ``init_cfg`` only: timm has initialised or downloaded the weights already."""
        if self.init_cfg:
            super().init_weights()


@MODELS.register_module()
class DLA34(TimmBackbone):
    """DLA-34, the small backbone of CenterNet and CenterPose.

    Levels of stride 1, 2, 4, 8, 16, 32 have 16, 32, 64, 128, 256, 512 channels. The ``project``
    layers of the two nested trees, which the original computes and drops, do not exist here.

    Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figure 3 and table 1, as in timm.

    Args:
        pretrained: Download timm's ImageNet weights when built, or take them from the cache.
        out_strides: Strides of the levels to return, finest first.
        pretrained_path: File with ImageNet weights, timm's or the original ``dla34-ba72cf86.pth``;
            an empty string is none.
        frozen_stages: Number of first levels, of stride 1, 2, 4, …, whose layers training leaves as
            they are.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        pretrained: bool = False,
        out_strides: Sequence[int] = (4, 8, 16, 32),
        pretrained_path: str | None = None,
        frozen_stages: int = 0,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__('dla34', pretrained, out_strides, pretrained_path, frozen_stages, init_cfg)


def _module_name(level: str, modules: Collection[str]) -> str:
    """Return the name in `TimmBackbone` of the module that ends a level; empty if it was left out.

    timm puts some modules inside another one and some into its own level.
    """
    names = (f'features.{level}', f'features.{level.replace(".", "_")}', f'features.model.{level}')
    return next((name for name in names if name in modules), '')


def _level_indices(
    name: str, out_strides: Sequence[int], timm_options: Mapping[str, Any]
) -> tuple[int, ...]:
    """Find the numbers of the levels with the wanted strides."""
    import timm

    if not timm.is_model(name):
        known = timm.list_models(include_tags=False)
        raise ConfigError(
            f'is no model of timm {timm.__version__}',
            argument='name',
            value=name,
            advice=nearest_names(name, known),
        )
    options = {'pretrained': False, 'features_only': True, **timm_options}
    try:
        with torch.device('meta'):
            model: Any = timm.create_model(name, **options)
    except LookupError as error:  # of a table, such as that of activations
        raise ConfigError(
            f'cannot be built by timm with these arguments: it knows no {error}',
            argument='name',
            value=name,
            advice='Correct the arguments beside it',
        ) from error
    level_of_stride = {
        level['reduction']: number for number, level in enumerate(model.feature_info.info)
    }
    missing = [stride for stride in out_strides if stride not in level_of_stride]
    if missing:
        raise ConfigError(
            f'has strides {missing} that the timm model {name!r} lacks; it has '
            f'{sorted(level_of_stride)}',
            argument='out_strides',
            value=list(out_strides),
            advice=('Choose among them', 'Use a hierarchical model'),
        )
    return tuple(level_of_stride[stride] for stride in out_strides)


def create_features(name: str, pretrained: bool, **options: Any) -> nn.Module:
    """Return the feature extractor of a timm model.

    Args:
        name: Model that timm knows.
        pretrained: Whether to load timm's weights, downloaded unless they are in the cache.
        **options: More arguments of ``timm.create_model``.

    Raises:
        ConfigError: If timm has no weights for the model.
        CheckpointError: If they cannot be downloaded.
    """
    import timm

    if not pretrained:
        return timm.create_model(name, pretrained=False, features_only=True, **options)
    source = timm.get_pretrained_cfg(name)
    if source is None or not source.has_weights:
        raise ConfigError(
            f'has no weights for {name!r} in timm {timm.__version__}',
            argument='pretrained',
            value=True,
            advice='Set {pretrained}=False',
        )
    cached = _cached_file(source)
    if cached:
        overlay: Mapping[str, Any] = options.pop('pretrained_cfg_overlay', {})
        options['pretrained_cfg_overlay'] = {**overlay, 'file': cached}
    else:
        _check_network(name, source)
    try:
        return timm.create_model(name, pretrained=True, features_only=True, **options)
    except NETWORK_ERRORS as error:
        reason = str(error).partition('\n')[0] or type(error).__name__
        raise _no_download(name, reason) from error


def _cached_file(source: 'PretrainedCfg') -> str:
    """Return the file of an earlier download from the Hub, or an empty string."""
    names = [source.hf_hub_filename] if source.hf_hub_filename else FILES
    repository, _, revision = (source.hf_hub_id or '').partition('@')
    found = [
        try_to_load_from_cache(repository, name, revision=revision or None)
        for name in names
        if repository
    ]
    return next((path for path in found if isinstance(path, str)), '')


def _check_network(name: str, source: 'PretrainedCfg') -> None:
    if source.hf_hub_id and constants.HF_HUB_OFFLINE:
        raise _no_download(name, 'HF_HUB_OFFLINE is set and they are not in the cache')
    url = constants.ENDPOINT if source.hf_hub_id else source.url
    reason = why_unreachable(str(url), TIMEOUT)
    if reason:
        raise _no_download(name, f'{url} is not reachable, {reason}')


def _no_download(name: str, reason: str) -> CheckpointError:
    return CheckpointError(
        f'needs the weights of {name}, which cannot be downloaded: {reason}',
        argument='pretrained',
        value=True,
        advice='Where there is no network set {pretrained}=False and {pretrained_path} to a file, '
        'or to package://PACKAGE for weights that pip has installed',
    )
