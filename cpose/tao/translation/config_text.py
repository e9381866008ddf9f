"""A translated config as text, and back as a config."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.files.atomic import write_text_atomic
from cpose.tao.jobs.status import process_rank

NAME = 'centerpose.py'


def config_text(overlay: Mapping[str, Any], title: str) -> str:
    """Return a config file in Python.

    Args:
        overlay: What the config sets, with ``_base_``.
        title: First line of its docstring.
    """
    body = Config(dict(overlay)).pretty_text
    return f'"""{title}"""\n\n{body}'


def load_overlay(overlay: Mapping[str, Any], folder: Path | None = None) -> Config:
    """Return the whole config with what it inherits, read from a file of `config_text`.

    Args:
        overlay: What the config sets, with ``_base_``.
        folder: Where the file is to stay, None for nowhere; of several processes the first
            one writes it.

    Raises:
        OutputError: If it cannot be written.
    """
    with tempfile.TemporaryDirectory() as temporary:
        stays = folder is not None and process_rank() == 0
        path = (folder if folder is not None and stays else Path(temporary)) / NAME
        write_text_atomic(path, config_text(overlay, 'Translated from a TAO spec.'))
        config = load_config(path)
    return config if stays else Config(config.to_dict())
