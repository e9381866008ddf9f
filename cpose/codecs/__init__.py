"""From annotated cuboids to dense maps and back; public names are imported at their first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpose.codecs.centerpose_codec import CenterPoseCodec

MODULES = {'CenterPoseCodec': 'cpose.codecs.centerpose_codec'}
__all__ = ['CenterPoseCodec']


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(MODULES[name]), name)
