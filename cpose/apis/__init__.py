"""Public entry points, imported at their first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpose.apis.builder import build_model
    from cpose.apis.config.load import load_config
    from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer

MODULES = {
    'CenterPoseInferencer': 'cpose.apis.inference.centerpose_inferencer',
    'build_model': 'cpose.apis.builder',
    'load_config': 'cpose.apis.config.load',
}
__all__ = ['CenterPoseInferencer', 'build_model', 'load_config']


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(MODULES[name]), name)
