"""Choose where a model runs."""

import re

import torch

from cpose.errors import ConfigError

KNOWN_DEVICE = re.compile(r'(cpu|cuda|mps)(?::(\d+))?')


def choose_device(device: str | None = None) -> str:
    """Return a usable device: the given one, else a GPU if there is one, else the CPU.

    Raises:
        ConfigError: If the given device is unknown or not there.
    """
    if device is None:
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    match = KNOWN_DEVICE.fullmatch(device)
    if match is None:
        raise ConfigError(f'device={device!r} is unknown. Use cpu, cuda or cuda:0.')
    kind, index = match[1], int(match[2] or 0)
    if kind == 'cuda' and index >= torch.cuda.device_count():
        raise ConfigError(
            f'device={device!r} is not there: {torch.cuda.device_count()} GPUs are visible. '
            'Use --device cpu, or check driver and CUDA_VISIBLE_DEVICES.'
        )
    if kind == 'mps' and not torch.backends.mps.is_available():
        raise ConfigError(f'device={device!r} is not there. Use --device cpu.')
    return device
