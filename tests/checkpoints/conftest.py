"""Runners of the engine's tests, whose state is stored."""

from ..engine.conftest import _one_thread, _scope, build_runner

__all__ = ['_one_thread', '_scope', 'build_runner']
