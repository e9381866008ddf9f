"""Activation checkpointing that counts every batch once."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpoint_module(module: nn.Module, *inputs: Any) -> Tensor:
    """Call a module, keep only its inputs and compute the rest again in the backward pass.

    The second computation leaves the running statistics of batch norms alone; otherwise they would
    take every batch in twice. A compiled graph writes them once by itself and takes no contexts.
    """
    if torch.compiler.is_compiling():
        return checkpoint(module, *inputs, use_reentrant=False)
    contexts = partial(_contexts, module)
    return checkpoint(module, *inputs, use_reentrant=False, context_fn=contexts)


def _contexts(module: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    """Return what surrounds the first and the second computation."""
    return nullcontext(), _fixed_statistics(module)


@contextmanager
def _fixed_statistics(module: nn.Module) -> Iterator[None]:
    """Use the statistics of the batch, but record them with no weight and do not count."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.training]
    before = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, momentum, count in before:
            norm.momentum, norm.num_batches_tracked = momentum, count
