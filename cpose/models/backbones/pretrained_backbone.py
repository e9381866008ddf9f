"""What backbones share: published weights, and stages that training leaves alone."""

from typing import Any

from mmengine.model import BaseModule
from torch import nn

from cpose.errors import ConfigError
from cpose.registry import WEIGHT_INITIALIZERS

PLACE = 'argument pretrained_path'


class PretrainedBackbone(BaseModule):
    """Backbone that can start from published weights and freeze its first stages.

    A subclass sets ``stage_ends`` and calls `finish` at the end of its constructor.

    Attributes:
        stage_ends: Name of the last module of each stage, in the order of the modules.
        optional_weights: Patterns of names that published weights need not have.
        weights_normalisation: What the images of the published weights were normalised by, a
            `cpose.checkpoints.base.Normalisation`; None if there are none or it is not known.
    """

    stage_ends: tuple[str, ...] = ()
    optional_weights: tuple[str, ...] = ()
    weights_normalisation: Any = None

    def finish(self, pretrained_path: str | None, frozen_stages: int) -> None:
        """Load the weights and freeze the first stages.

        Args:
            pretrained_path: File, or ``package://`` and an installed package; none if empty.
            frozen_stages: Number of stages.

        Raises:
            ConfigError: If there are fewer stages.
            CheckpointError: If the file does not fit.
        """
        if pretrained_path:
            build: Any = WEIGHT_INITIALIZERS.get('Pretrained')
            build(pretrained_path, place=PLACE)(self)
        self._frozen = self._first_stages(frozen_stages)
        for module in self._frozen:
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> 'PretrainedBackbone':
        """Set the mode; frozen stages stay in eval mode, so that batch norms keep statistics."""
        super().train(mode)
        for module in getattr(self, '_frozen', ()):
            module.eval()
        return self

    def _first_stages(self, count: int) -> list[nn.Module]:
        """Return the modules that lie as a whole before the end of a stage.

        Parameters that stand beside them in a module around them, such as an embedding of
        positions, are frozen here.
        """
        if isinstance(count, bool) or not 0 <= count <= len(self.stage_ends):
            raise ConfigError(
                f'must be a whole number from 0 to {len(self.stage_ends)}, the stages of this '
                f'{type(self).__name__}',
                argument='frozen_stages',
                value=count,
            )
        if not count:
            return []
        modules, end = dict(self.named_modules()), self.stage_ends[count - 1]
        names = list(modules)
        last = max(place for place, name in enumerate(names) if f'{name}.'.startswith(f'{end}.'))
        before, after = names[: last + 1], names[last + 1 :]
        around = [name for name in before if not name or _holds_any(name, after)]
        for name in around:
            for parameter in modules[name].parameters(recurse=False):
                parameter.requires_grad_(False)
        return [modules[name] for name in before if name not in around]


def _holds_any(name: str, others: list[str]) -> bool:
    return any(other.startswith(f'{name}.') for other in others)
