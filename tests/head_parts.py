"""Parts of the head as the shipped configs have them, with changes."""

from cpose.codecs.branches import build_branches
from cpose.models.heads import CenterPoseHead
from cpose.models.losses.center_pose_loss import CenterPoseLoss
from cpose.registry import CODECS
from cpose.shipped_configs import fill_up, shipped_head


def make_branches(losses=None, num_classes=1, **changes):
    """Return the branches with other losses by name, and further changes of their configs."""
    replaced = {name: {'loss': loss} for name, loss in (losses or {}).items()}
    configs = fill_up(fill_up(shipped_head()['branches'], changes), replaced)
    return build_branches(configs, num_classes)


def make_criterion(losses=None, symmetry_assignment=None):
    """Return the loss; ``losses`` by branch."""
    shipped = shipped_head()['criterion']['symmetry_assignment']
    return CenterPoseLoss(make_branches(losses), symmetry_assignment or shipped)


def make_postprocessor(**changes):
    """Return the postprocessor, by default with the threshold of inference."""
    shipped = shipped_head()['postprocessor']
    shipped['eval_score_thr'] = shipped['infer_score_thr']
    return CODECS.build(fill_up(shipped, changes))


def make_head(in_channels=32, **changes):
    """Return the head; nested changes are merged."""
    config = fill_up(shipped_head(), {'stride': 4, **changes})
    del config['type']
    return CenterPoseHead(in_channels, **config)
