"""A translated config as text, and back as a config."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config import load_config

NAME = 'centerpose.py'


def config_text(overlay: Mapping[str, Any], title: str) -> str:
    """Return a config file in Python.

    Args:
        overlay: What the config sets, with ``_base_``.
        title: First line of its docstring.
    """
    body = Config(dict(overlay)).pretty_text
    return f'"""{title}"""\n\n{body}'


def load_overlay(overlay: Mapping[str, Any]) -> Config:
    """Return the whole config with what it inherits, as if read from a file of `config_text`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(config_text(overlay, 'A TAO spec.'), encoding='utf-8')
        return load_config(path)
