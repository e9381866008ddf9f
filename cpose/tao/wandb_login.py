"""Logging to Weights & Biases, if the user is logged in there."""

import netrc
import os
from importlib.util import find_spec
from typing import Any

from cpose.errors import MissingDependencyError
from cpose.tao.spec_file import TaoSpec

HOST = 'api.wandb.ai'


def has_login() -> bool:
    """Whether there is a key for W&B: in ``WANDB_API_KEY``, or in the user's ``.netrc``."""
    if os.environ.get('WANDB_API_KEY'):
        return True
    try:
        return netrc.netrc().authenticators(HOST) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def wandb_backend(spec: TaoSpec) -> list[dict[str, Any]]:
    """Return the config of the log there, none if it is off or there is no login.

    Raises:
        MissingDependencyError: If it is on and the package is not installed.
    """
    settings = spec.values.wandb
    if not settings.enable or not has_login():
        return []
    if find_spec('wandb') is None:
        raise MissingDependencyError(
            f'{spec.origin.place("wandb.enable")}: wandb.enable=true and a login to W&B is there, '
            'but the package wandb is not installed. Run: pip install wandb, or set '
            'wandb.enable=false.'
        )
    init = {
        'project': settings.project,
        'entity': settings.entity or None,
        'group': settings.group or None,
        'tags': settings.tags,
        'reinit': settings.reinit,
        'sync_tensorboard': settings.sync_tensorboard,
        'save_code': settings.save_code,
        'name': settings.name or None,
    }
    if settings.run_id:
        init.update(id=settings.run_id, resume='allow')
    return [{'type': 'WandbVisBackend', 'init_kwargs': init}]
