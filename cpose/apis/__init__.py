"""Public entry points, imported at their first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpose.apis.builder import build_model
    from cpose.apis.centerpose_inferencer import CenterPoseInferencer
    from cpose.apis.config import load_config

MODULES = {
    'CenterPoseInferencer': 'cpose.apis.centerpose_inferencer',
    'build_model': 'cpose.apis.builder',
    'load_config': 'cpose.apis.config',
}
__all__ = ['CenterPoseInferencer', 'build_model', 'load_config']


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(MODULES[name]), name)
