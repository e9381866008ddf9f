"""Choose where a model runs."""

import torch

from cpose.errors import ConfigError


def choose_device(device: str | None = None) -> str:
    """Return a usable device: the given one, else a GPU if there is one, else the CPU.

    Raises:
        ConfigError: If the given device is unknown or not there.
    """
    if device is None:
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        kind, index = torch.device(device).type, torch.device(device).index
    except RuntimeError as error:
        raise ConfigError(f'device={device!r} is unknown. Use cpu, cuda or cuda:0.') from error
    if kind == 'cuda' and (index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f'device={device!r} is not there: {torch.cuda.device_count()} GPUs are visible. '
            'Use --device cpu, or check driver and CUDA_VISIBLE_DEVICES.'
        )
    return device
