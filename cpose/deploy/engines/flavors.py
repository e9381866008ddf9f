"""The two packages that build engines: TensorRT and TensorRT for RTX."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from mmengine.logging import print_log

from cpose.errors import ConfigError, MissingDependencyError

TENSORRT, RTX, AUTO = 'tensorrt', 'rtx', 'auto'
MODULES = {TENSORRT: 'tensorrt', RTX: 'tensorrt_rtx'}
EXTRAS = {TENSORRT: 'tensorrt', RTX: 'tensorrt-rtx'}
CAPABILITY_PREFIX = 'SM'
ENGINE_SUFFIXES = ('.engine', '.plan', '.trt')
"""Endings of engines, lower case."""


@dataclass(frozen=True)
class Flavor:
    """A package that builds engines.

    Attributes:
        name: ``'tensorrt'`` or ``'rtx'``.
        module: The imported package.
    """

    name: str
    module: Any

    @property
    def version(self) -> str:
        """Version of the package."""
        return str(self.module.__version__)


def load_flavor(name: str = AUTO, compute_capabilities: Sequence[str] = ()) -> Flavor:
    """Import the package that shall build, and check that it can build here.

    Args:
        name: ``'tensorrt'``, ``'rtx'``, or ``'auto'``: the first of them that is installed; with
            compute capabilities ``'rtx'``, which alone builds for other GPUs.
        compute_capabilities: For which GPUs to build, for example ``['89']``.

    Raises:
        ConfigError: If a GPU is needed and there is none.
        MissingDependencyError: If the package is not installed.
    """
    if name == TENSORRT and compute_capabilities:
        raise ConfigError(
            f'does not go with {TENSORRT}, which builds for the GPU of this machine only',
            argument='compute_capabilities',
            value=compute_capabilities,
            advice=f'Use {{flavor}} {RTX}',
        )
    chosen = _choose(name, bool(compute_capabilities))
    if find_spec(MODULES[chosen]) is None:
        raise MissingDependencyError(
            f'The package {MODULES[chosen]} is not installed',
            advice=f"Install it with: pip install 'cpose[{EXTRAS[chosen]}]'",
        )
    if not compute_capabilities and not torch.cuda.is_available():
        raise _no_gpu(chosen)
    return Flavor(chosen, import_module(MODULES[chosen]))


def parse_capability(module: Any, text: str) -> Any:
    """Return the package's own value for a compute capability such as ``89`` or ``8.9``.

    Raises:
        ConfigError: If the package does not know it.
    """
    known = [name for name in dir(module.ComputeCapability) if name.startswith(CAPABILITY_PREFIX)]
    name = CAPABILITY_PREFIX + text.upper().removeprefix(CAPABILITY_PREFIX).replace('.', '')
    if name not in known:
        numbers = ', '.join(item.removeprefix(CAPABILITY_PREFIX) for item in known)
        raise ConfigError(
            f'is unknown to {module.__name__} {module.__version__}',
            argument='compute_capabilities',
            value=[text],
            advice=f'Choose among {numbers}',
        )
    return getattr(module.ComputeCapability, name)


def _choose(name: str, is_ahead_of_time: bool) -> str:
    if name != AUTO:
        return name
    candidates = (RTX,) if is_ahead_of_time else (TENSORRT, RTX)
    found = [item for item in candidates if find_spec(MODULES[item]) is not None]
    if not found:
        packages = ' nor '.join(MODULES[item] for item in candidates)
        extras = ', or: '.join(f"pip install 'cpose[{EXTRAS[item]}]'" for item in candidates)
        which = 'Neither' if len(candidates) > 1 else 'The package'
        missing = 'is installed' if len(candidates) > 1 else 'is not installed'
        raise MissingDependencyError(
            f'{which} {packages} {missing}', advice=f'Install with: {extras}'
        )
    return found[0]


def _no_gpu(flavor: str) -> ConfigError:
    ahead = 'Name the GPU that it shall run on with {compute_capabilities}, for example 89'
    if flavor == RTX:
        return ConfigError('There is no GPU here to build an engine for', advice=ahead)
    return ConfigError(
        'There is no GPU here, and TensorRT builds an engine on the GPU that runs it',
        advice=(
            'Build there',
            f'For an RTX GPU build here with {{flavor}} {RTX} and {{compute_capabilities}} 89',
        ),
    )


SERIOUS = ('INTERNAL_ERROR', 'ERROR')
NULL = 'returned nullptr'
"""In the ``TypeError`` that pybind11 raises where a factory of C++ makes nothing."""


def open_log(module: Any, is_verbose: bool = False) -> Any:
    """Return the log of a package, empty: an ``ILogger`` with ``take_errors``.

    There is one in a process, as TensorRT ignores others while parts that it started live.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        is_verbose: Pass everything on to the log of this process, else warnings only.
    """
    log = _make_log(module)
    log.is_verbose = is_verbose
    log.take_errors()
    return log


def start_part(module: Any, name: str, *args: Any) -> Any:
    """Return a new ``Builder``, ``OnnxParser`` or ``Runtime``.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        name: Which of them.
        *args: What it takes; the last is the log from `open_log`.

    Raises:
        ConfigError: If it does not start.
    """
    try:
        return getattr(module, name)(*args)
    except TypeError as error:
        if NULL not in str(error):
            raise
        raise ConfigError(
            f'The {name} of {module.__name__} {module.__version__} does not start: '
            f'{args[-1].take_errors()}',
            advice='Check with nvidia-smi that the GPU works and has free memory, and that the '
            'driver is new enough for this version',
        ) from error


@cache
def _make_log(module: Any) -> Any:
    class TensorRTLog(module.ILogger):
        """Errors are kept for the message of the exception that they lead to."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.is_verbose = False
            self._errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            """Take a message."""
            name = str(severity).rpartition('.')[2]
            if name in SERIOUS:
                self._errors.append(message.strip().rstrip('.'))
            if self.is_verbose or name == 'WARNING':
                level = logging.WARNING if name == 'WARNING' else logging.INFO
                print_log(f'{module.__name__}: {message}', logger='current', level=level)

        def take_errors(self) -> str:
            """Return the errors since the last call as the end of a sentence."""
            errors, self._errors = self._errors, []
            return f'{"; ".join(errors) or "it gives no reason"}.'

    return TensorRTLog()
