"""Engines of TensorRT and of TensorRT for RTX."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cpose.deploy.engines.flavors import ENGINE_SUFFIXES, EXTRAS, MODULES, open_log, start_part
from cpose.deploy.model_integrity import check_digest
from cpose.deploy.model_metadata import INPUT_NAME, read_engine_sidecar
from cpose.deploy.runtimes.base import Runtime
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError
from cpose.files.encrypted_file import read_model_bytes
from cpose.optional_packages import import_extra
from cpose.registry import RUNTIMES


@RUNTIMES.register_module()
class TensorRTRuntime(Runtime):
    """Run an engine on an NVIDIA GPU, with torch's memory.

    It runs on a stream of its own, as TensorRT waits more on CUDA's default stream; torch's current
    stream hands the images over and waits for the outputs.

    Args:
        path: Engine that `cpose build-trt` wrote, with its JSON file beside it.
        device: ``cuda`` or ``cuda:1``; None takes the current GPU.

    Raises:
        CheckpointError: If the engine cannot be used on this machine.
        ConfigError: If there is no GPU, or TensorRT does not start on it.
        MissingDependencyError: If the package that runs it is missing.
    """

    suffixes = ENGINE_SUFFIXES

    def __init__(self, path: str | Path, device: str | None = None) -> None:
        self.path = Path(path)
        facts = read_engine_sidecar(self.path)
        self.metadata = facts['metadata']
        self.device = choose_gpu(self.path, device)
        flavor = facts.get('flavor')
        if flavor not in MODULES:
            raise CheckpointError(
                f'is of flavor {flavor!r}, known are {", ".join(MODULES)}',
                place=FilePlace(self.path),
                advice='Build the engine again',
            )
        self._tensorrt = import_extra(MODULES[flavor], EXTRAS[flavor])
        self._log = open_log(self._tensorrt)
        with on_gpu(self.device):
            self._stream = new_stream(self.device)
            self._engine = self._load(facts)
            self._context = self._engine.create_execution_context()
        if self._context is None:
            raise CheckpointError(
                f'cannot be prepared on this GPU ({gpu_name(self.device)}): '
                f'{self._log.take_errors()}',
                place=FilePlace(self.path),
                advice=('Free memory of the GPU', 'Build the engine for smaller batches'),
            )
        self._check_tensors()
        self.batch_limits = self._find_batch_limits()

    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Start the engine and return its outputs for a batch (N, 3, H, W), for the current stream.

        All memory is of the current stream, which waits for the engine before it can use it again.

        Raises:
            RuntimeError: If TensorRT could not start it.
        """
        context = self._context
        context.set_input_shape(INPUT_NAME, tuple(inputs.shape))
        outputs = {
            name: torch.empty(tuple(context.get_tensor_shape(name)), device=self.device)
            for name in self.metadata.outputs
        }
        for name, buffer in {INPUT_NAME: inputs, **outputs}.items():
            context.set_tensor_address(name, buffer.data_ptr())
        with on_gpu(self.device):
            current = current_stream(self.device)
            self._stream.wait_stream(current)
            started = context.execute_async_v3(self._stream.cuda_stream)
            current.wait_stream(self._stream)
        if not started:
            raise RuntimeError(
                f'TensorRT could not run {self.path} on {tuple(inputs.shape)}: '
                f'{self._log.take_errors()}'
            )
        return outputs

    def describe(self) -> str:
        """Return package, version, GPU, batches and precision."""
        module, least_most = self._tensorrt, self.batch_limits
        return (
            f'{module.__name__} {module.__version__}, {self.device}, batches of {least_most[0]} to '
            f'{least_most[1]}, {self.metadata.precision}: {self.path}'
        )

    def _load(self, facts: dict[str, Any]) -> Any:
        module = self._tensorrt
        self._runtime = start_part(module, 'Runtime', self._log)
        content = read_model_bytes(self.path)
        check_digest(content, facts.get('sha256'), self.path)
        engine = self._runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise CheckpointError(
                f'cannot be loaded by {module.__name__} {module.__version__} on this GPU '
                f'({gpu_name(self.device)}). It was built by version {facts.get("version")} for '
                f'compute capability {facts.get("compute_capability")}. TensorRT says: '
                f'{self._log.take_errors()}',
                place=FilePlace(self.path),
                advice=('Build the engine for this GPU and version', 'Copy it again'),
            )
        return engine

    def _check_tensors(self) -> None:
        engine = self._engine
        kinds = {}
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            kinds[name] = engine.get_tensor_dtype(name)
        wanted = self._tensorrt.float32
        if set(kinds) != {INPUT_NAME, *self.metadata.outputs} or set(kinds.values()) != {wanted}:
            found = ', '.join(f'{name} ({kind})' for name, kind in kinds.items())
            raise CheckpointError(
                f'is not an engine of a cpose model. It has {found}; expected are {INPUT_NAME}, '
                f'{", ".join(self.metadata.outputs)}, all {wanted}',
                place=FilePlace(self.path),
                advice='Build it from a file that `cpose export-onnx` wrote',
            )

    def _find_batch_limits(self) -> tuple[int, int]:
        """Return the fewest and most images of a run, from the engine itself."""
        fixed = int(self._engine.get_tensor_shape(INPUT_NAME)[0])
        if fixed > 0:
            return fixed, fixed
        least, _, most = self._engine.get_tensor_profile_shape(INPUT_NAME, 0)
        return int(least[0]), int(most[0])


def choose_gpu(path: Path, device: str | None) -> torch.device:
    """Return the GPU that an engine shall run on.

    Raises:
        ConfigError: If it is none, unknown or not there.
    """
    try:
        wanted = torch.device(device or 'cuda')
    except RuntimeError as error:
        raise ConfigError(
            'is unknown', argument='device', value=device, advice='Use cuda or cuda:1'
        ) from error
    if wanted.type != 'cuda' or not torch.cuda.is_available():
        found = f'device={device!r}' if wanted.type != 'cuda' else 'no GPU is visible here'
        raise ConfigError(
            f'is a TensorRT engine, which runs on NVIDIA GPUs only; {found}',
            place=FilePlace(path),
            advice=(
                'Run it on a machine with an NVIDIA GPU',
                'Use the .onnx or .pth file it was made from',
            ),
        )
    if wanted.index is None:
        return torch.device('cuda', torch.cuda.current_device())
    if wanted.index >= torch.cuda.device_count():
        raise ConfigError(
            f'is not there: {torch.cuda.device_count()} GPUs are visible',
            argument='device',
            value=device,
            advice=('Choose another one', 'Check CUDA_VISIBLE_DEVICES'),
        )
    return wanted


def on_gpu(device: torch.device) -> Any:
    """Return a context in which CUDA uses a GPU."""
    return torch.cuda.device(device)


def new_stream(device: torch.device) -> torch.cuda.Stream:
    """Return a stream of a GPU, not the default one."""
    return torch.cuda.Stream(device)


def current_stream(device: torch.device) -> torch.cuda.Stream:
    """Return torch's current stream of a GPU."""
    return torch.cuda.current_stream(device)


def gpu_name(device: torch.device) -> str:
    """Return name and compute capability of a GPU."""
    major, minor = torch.cuda.get_device_capability(device)
    return f'{torch.cuda.get_device_name(device)}, compute capability {major}.{minor}'
