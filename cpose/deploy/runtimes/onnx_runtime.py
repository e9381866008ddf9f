"""ONNX files in ONNX Runtime."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cpose.deploy.model_metadata import read_metadata
from cpose.deploy.network_inputs import split_inputs
from cpose.deploy.runtimes.base import Runtime
from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import CheckpointError, ConfigError, nearest_names
from cpose.files.encrypted_file import is_encrypted, read_model_bytes
from cpose.files.text_files import check_name
from cpose.optional_packages import import_extra
from cpose.registry import RUNTIMES

CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
ON_GPU = (CUDA, 'TensorrtExecutionProvider')
"""Providers that are told which GPU to take."""
ERRORS = (
    *('Fail', 'InvalidArgument', 'InvalidGraph', 'InvalidProtobuf', 'NoSuchFile'),
    *('NotImplemented', 'RuntimeException', 'EPFail', 'EngineError'),
)
"""What ONNX Runtime raises; the classes share no base."""


@RUNTIMES.register_module()
class OnnxRuntime(Runtime):
    """Run an ONNX file in ONNX Runtime, with as many threads as torch uses.

    Args:
        path: File that `cpose export-onnx` wrote.
        device: ``cpu``, ``cuda`` or ``cuda:1``; None takes a GPU if ONNX Runtime can use one.
        providers: Execution providers, the most wanted first, for example
            ``['TensorrtExecutionProvider', 'CUDAExecutionProvider']``, in place of those that
            ``device`` stands for; it still says which GPU. Operators that none of them has run on
            the CPU.

    Raises:
        CheckpointError: If the file cannot be used.
        ConfigError: If ONNX Runtime has no such provider.
        MissingDependencyError: If the packages are missing.
    """

    suffixes = ('.onnx',)

    def __init__(
        self,
        path: str | Path,
        device: str | None = None,
        providers: Sequence[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self.metadata = read_metadata(self.path)
        if self.metadata.quantize_target not in ('', 'ort'):
            raise CheckpointError(
                f'is quantised for {self.metadata.quantize_target}; its results would be wrong in '
                'ONNX Runtime, whose kernels for signed activations saturate',
                place=FilePlace(self.path),
                advice='Quantise the model again for the target ort',
            )
        package = import_extra('onnxruntime', 'deploy')
        wanted = choose_providers(package.get_available_providers(), device, providers)
        self.session = self._open(package, wanted)
        _check_used(self.session.get_providers(), wanted, device, providers)
        count = self.session.get_inputs()[0].shape[0]
        self.batch_limits = (count, count) if isinstance(count, int) else (1, None)
        self._version = package.__version__

    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the outputs for a batch (N, channels, H, W).

        Raises:
            CheckpointError: If the file cannot be run.
        """
        names = list(self.metadata.outputs)
        by_name = split_inputs(inputs, bool(self.metadata.previous_inputs))
        feed = {name: part.numpy() for name, part in by_name.items()}
        with self._errors('cannot be run by ONNX Runtime'):
            values = self.session.run(names, feed)
        return {name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}

    def describe(self) -> str:
        """Return version, providers, threads and precision."""
        providers = ', '.join(name.removesuffix('ExecutionProvider') for name in self.providers)
        threads = self.session.get_session_options().intra_op_num_threads
        return (
            f'ONNX Runtime {self._version}, {providers}, {threads} threads, '
            f'{self.metadata.precision}: {self.path}'
        )

    @property
    def providers(self) -> list[str]:
        """Execution providers in use, the most wanted first."""
        names: list[str] = self.session.get_providers()
        return names

    def _open(self, package: Any, providers: Mapping[str, Any]) -> Any:
        options = package.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        known = package.capi.onnxruntime_pybind11_state
        self._known_errors = tuple(getattr(known, name) for name in ERRORS if hasattr(known, name))
        check_name(self.path)
        source = read_model_bytes(self.path) if is_encrypted(self.path) else str(self.path)
        with self._errors('cannot be opened by ONNX Runtime'):
            return package.InferenceSession(source, options, providers=list(providers.items()))

    @contextmanager
    def _errors(self, problem: str) -> Iterator[None]:
        """Turn what ONNX Runtime raises into an error of the user."""
        try:
            yield
        except self._known_errors as error:
            raise CheckpointError(
                f'{problem}: {error}', place=FilePlace(self.path), advice='Export the model again'
            ) from error


def choose_providers(
    available: Sequence[str], device: str | None, providers: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Return execution providers with their options, the most wanted first.

    Args:
        available: What the installed package has.
        device: See `OnnxRuntime`.
        providers: See `OnnxRuntime`.

    Raises:
        ConfigError: If what is asked for is not available.
    """
    names = _names_of(available, device) if providers is None else (*providers, CPU)
    unknown = [name for name in names if name not in available]
    if unknown:
        raise ConfigError(
            'is unknown to this ONNX Runtime',
            argument='providers',
            value=unknown[0],
            place=ConfigPlace(('runtime.providers',)),
            advice=nearest_names(unknown[0], available),
        )
    gpu = {'device_id': _gpu_number(device)}
    return {name: gpu if name in ON_GPU else {} for name in names}


def _names_of(available: Sequence[str], device: str | None) -> tuple[str, ...]:
    """Return the execution providers that a device stands for.

    Raises:
        ConfigError: If there are none.
    """
    kind = (device or '').partition(':')[0]
    if kind == 'cuda' and CUDA not in available:
        raise _no_cuda(device)
    if kind not in ('', 'cpu', 'cuda'):
        raise _no_device(device)
    use_cuda = kind == 'cuda' or (kind == '' and CUDA in available and torch.cuda.is_available())
    return (CUDA, CPU) if use_cuda else (CPU,)


def _gpu_number(device: str | None) -> int:
    """Return the GPU that a device names, else the current one.

    Raises:
        ConfigError: If it has something else than a number behind its colon.
    """
    number = (device or '').partition(':')[2]
    if number:
        if not number.isdecimal():
            raise _no_device(device)
        return int(number)
    return torch.cuda.current_device() if torch.cuda.is_available() else 0


def _check_used(
    used: Sequence[str],
    wanted: Mapping[str, Any],
    device: str | None,
    providers: Sequence[str] | None,
) -> None:
    """Complain about a provider that could not start, for which ONNX Runtime only warns.

    Raises:
        ConfigError: If it was asked for.
    """
    unused = [name for name in wanted if name not in used]
    if not unused:
        return
    if providers is None and device is not None:
        raise _no_cuda(device)
    if providers is not None:
        raise ConfigError(
            'could not start; ONNX Runtime tells why above',
            argument='providers',
            value=unused[0],
            place=ConfigPlace(('runtime.providers',)),
            advice=('Install its libraries', 'Leave it out'),
        )
    logging.getLogger(__name__).warning(
        '%s could not start, so the CPU is used; ONNX Runtime tells why above.', unused[0]
    )


def _no_device(device: str | None) -> ConfigError:
    return ConfigError(
        'is no device of ONNX Runtime',
        argument='device',
        value=device,
        advice='Use cpu or cuda',
    )


def _no_cuda(device: str | None) -> ConfigError:
    return ConfigError(
        f'needs {CUDA}, which does not work in this ONNX Runtime',
        argument='device',
        value=device,
        advice=(
            'Install the package onnxruntime-gpu in place of onnxruntime, with the CUDA libraries '
            'that it needs',
            'Use the device cpu',
        ),
    )
