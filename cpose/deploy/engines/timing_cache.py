"""Measured kernel times that the next build can use again."""

import logging
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from cpose.deploy.binary_files import check_new_file, write_bytes_atomic
from cpose.deploy.engines.flavors import RTX, Flavor
from cpose.errors import ConfigError


def load_timing_cache(config: Any, path: Path | None, flavor: Flavor) -> Any:
    """Give a builder config the timing cache of a file, an empty one if there is no file.

    Args:
        config: ``IBuilderConfig``.
        path: The file; None for none.
        flavor: The package that builds.

    Returns:
        The ``ITimingCache``, None if no file is given or the flavour has no such cache, which is
        said in a warning.

    Raises:
        ConfigError: If the file cannot be used.
        OutputError: If it could not be written after the build.
    """
    if path is None:
        return None
    if flavor.name == RTX:
        print_log(
            f'--timing-cache {path} is neither read nor written: TensorRT for RTX measures no '
            'kernels while it builds. It makes them on the GPU that runs the engine.',
            logger='current',
            level=logging.WARNING,
        )
        return None
    check_new_file(path, may_replace=True)
    stored = path.read_bytes() if path.is_file() else b''
    cache = config.create_timing_cache(stored)
    if cache is None or not config.set_timing_cache(cache, False):
        raise ConfigError(
            f'--timing-cache {path} ({len(stored)} bytes) is not a timing cache of this TensorRT '
            'and GPU. Choose another file, or remove this one.'
        )
    return cache


def save_timing_cache(cache: Any, path: Path | None) -> None:
    """Write a timing cache if there is one."""
    if cache is not None and path is not None:
        write_bytes_atomic(path, bytes(memoryview(cache.serialize())))
