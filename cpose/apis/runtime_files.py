"""Model files that a runtime runs, in the place of a PyTorch checkpoint."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.load import load_config
from cpose.apis.inference.inference_parts import choose_input_wh, set_input_wh
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError
from cpose.registry import RUNTIMES

RUNTIME_KEY = 'runtime'
"""Key of a config with settings of the runtime, for example ``dict(providers=[...])``."""
PYTORCH = 'TorchRuntime'
SHIPPED_PREPROCESSOR = '_base_/models/preprocessors/centernet_bgr.py'


def find_runtime(config: Config, path: str | Path) -> dict[str, Any] | None:
    """Return the config of the runtime that opens a model file, None for a PyTorch checkpoint.

    It is the one that the config key ``runtime.type`` names, else the one for the file's ending.

    Args:
        config: The whole config; ``custom_imports`` may bring further runtimes.
        path: The model file.

    Raises:
        ConfigError: If the config asks for a runtime that does not open such files.
    """
    import_custom_modules(config)
    given = dict(config.get(RUNTIME_KEY) or {})
    name = given.pop('type', None) or _runtime_of(Path(path))
    if name == PYTORCH and _runtime_of(Path(path)) == PYTORCH and not given:
        return None
    found = RUNTIMES.get(name)
    endings = getattr(found, 'suffixes', ())
    if Path(path).suffix.lower() not in endings:
        opens = (
            f'opens {", ".join(endings)}' if endings else 'has no settings and opens checkpoints'
        )
        raise ConfigError(
            f'does not fit {path}: {name} {opens}',
            argument=RUNTIME_KEY,
            value=config[RUNTIME_KEY],
            place=ConfigPlace((RUNTIME_KEY,)),
            advice=('Leave the key out', 'Give a file that fits'),
        )
    return {**given, 'type': name}


def is_runtime_file(path: str | Path) -> bool:
    """Tell by its ending whether a file holds a network that a runtime other than PyTorch runs."""
    return _runtime_of(Path(path)) != PYTORCH


def runtime_model(
    config: Config, path: str | Path, runtime: dict[str, Any], device: str | None = None
) -> dict[str, Any]:
    """Return the config of the model that a file is the network of.

    Args:
        config: The whole config.
        path: The model file.
        runtime: As `find_runtime` returns it.
        device: Where the runtime runs; None takes that of the config, else lets it choose.
    """
    model = config.get('model') or {}
    pixels = model.get('data_preprocessor') or _shipped_preprocessor()
    return {
        'type': 'RuntimePose',
        'runtime': {**runtime, 'path': str(path), 'device': device or runtime.get('device')},
        'input_wh': choose_input_wh(config, None),
        'head': model.get('head') or {},
        'data_preprocessor': pixels,
    }


def _shipped_preprocessor() -> Any:
    """Return a preprocessor for a config without one; the file says what the network reads."""
    return load_config(SHIPPED_PREPROCESSOR).model.data_preprocessor


def file_metadata(path: str | Path) -> Any:
    """Return what the file of a runtime tells about itself, see `Runtime.read_metadata`.

    Raises:
        CheckpointError: If the file is not one of ours.
    """
    return RUNTIMES.get(_runtime_of(Path(path))).read_metadata(path)


def config_from_file(path: str | Path, allow_custom_imports: bool = False) -> Config:
    """Return the config that the file of a runtime carries, with the input size of the file.

    Raises:
        CheckpointError: If the file is not one of ours, or its config would run foreign code.
    """
    from cpose.checkpoints.stored_config import config_from_json

    metadata = file_metadata(path)
    config = load_config(config_from_json(metadata.config, str(path), allow_custom_imports))
    set_input_wh(config, metadata.input_wh)
    return config


def _runtime_of(path: Path) -> str:
    RUNTIMES.import_from_location()
    ending = path.suffix.lower()
    matches = (
        name
        for name, runtime in RUNTIMES.module_dict.items()
        if ending in getattr(runtime, 'suffixes', ())
    )
    return next(matches, PYTORCH)
