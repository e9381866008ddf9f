"""Weights that timm downloads: from its cache, else from the network if there is one."""

from collections.abc import Mapping
from typing import Any

import timm
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from timm.models import PretrainedCfg
from torch import nn

from cpose.errors import CheckpointError, ConfigError
from cpose.files.download import why_unreachable

TIMEOUT = 5.0
"""Seconds that a server gets to answer; the Hub's own client tries for a minute."""
FILES = ('model.safetensors', 'pytorch_model.bin')
NETWORK_ERRORS: tuple[Any, ...] = (OSError, EntryNotFoundError, *HfHubHTTPError.__bases__)
"""With the base class of errors of the HTTP library that the Hub's client uses."""


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


def _cached_file(source: PretrainedCfg) -> str:
    """Return the file of an earlier download from the Hub, or an empty string."""
    names = [source.hf_hub_filename] if source.hf_hub_filename else FILES
    repository, _, revision = (source.hf_hub_id or '').partition('@')
    found = [
        try_to_load_from_cache(repository, name, revision=revision or None)
        for name in names
        if repository
    ]
    return next((path for path in found if isinstance(path, str)), '')


def _check_network(name: str, source: PretrainedCfg) -> None:
    if source.hf_hub_id and constants.HF_HUB_OFFLINE:
        raise _no_download(name, 'HF_HUB_OFFLINE is set and they are not in the cache')
    url = constants.ENDPOINT if source.hf_hub_id else source.url
    reason = why_unreachable(str(url), TIMEOUT)
    if reason:
        raise _no_download(name, f'{url} is not reachable, {reason}')


def _no_download(name: str, reason: str) -> CheckpointError:
    return CheckpointError(
        f'The weights of {name} cannot be downloaded (config key model.backbone.pretrained): '
        f'{reason}. Where there is no network set model.backbone.pretrained=False and '
        'model.backbone.pretrained_path to a file, or to package://PACKAGE for weights that pip '
        'has installed.'
    )
