import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.heads import HeadBranches

from ..head_parts import make_branches
from ..user_errors import raises

CHANNELS = {'hm': 1, 'wh': 2, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'hps': 16, 'scale': 3}


UNSURE = {name: {'type': 'KLDUncertaintyLoss'} for name in ('hps', 'scale')}


def make(losses=None, num_classes=1, head_conv=32, use_association=True):
    return HeadBranches(8, make_branches(losses, num_classes), head_conv, use_association)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize('use_association', [True, False])
def test_maps(use_association):
    branches = make(use_association=use_association)
    maps = branches(torch.randn(2, 8, 6, 5))
    assert {name: value.shape[1] for name, value in maps.items()} == CHANNELS
    assert all(value.shape[::2] == (2, 6) for value in maps.values())


def test_more_classes_and_uncertainty():
    branches = make(UNSURE, num_classes=3)
    maps = branches(torch.randn(1, 8, 4, 4))
    expected = CHANNELS | {'hm': 3, 'hps_uncertainty': 16, 'scale_uncertainty': 3}
    assert {name: value.shape[1] for name, value in maps.items()} == expected


def test_order_of_the_first_release():
    """Optimizers in checkpoints know parameters by their number only."""
    assert list(make(UNSURE).outputs) == [
        *('hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'hps_uncertainty'),
        *('scale', 'scale_uncertainty'),
    ]


def test_each_step_feeds_its_branches():
    branches = make(UNSURE)
    feature = torch.randn(1, 8, 6, 5)
    maps = branches(feature)
    steps = (
        ('hm', 'wh', 'reg'),
        ('hm_hp', 'hp_offset', 'hps', 'hps_uncertainty'),
        ('scale', 'scale_uncertainty'),
    )
    for names, state in zip(steps, branches.association(feature), strict=True):
        for name in names:
            assert torch.equal(maps[name], branches.outputs[name](state)), name


def test_without_association_no_norm():
    branches = make(head_conv=24, use_association=False)
    assert branches.association is None
    assert not any(isinstance(part, torch.nn.GroupNorm) for part in branches.modules())


def test_initial_values():
    branches = make()
    for name, branch in branches.outputs.items():
        is_heatmap = name in ('hm', 'hm_hp')
        assert torch.allclose(branch.out.bias, torch.tensor(-2.19 if is_heatmap else 0.0))
        assert bool((branch.hidden.bias == 0).all()) is not is_heatmap


def test_untrained_branches_predict_the_same_everywhere_until_weights_are_loaded():
    branches = make({'hp_offset': None, 'hm_hp': None})
    feature, trained = torch.randn(1, 8, 6, 5), make()
    maps = branches(feature)
    assert (maps['hp_offset'] == 0).all()
    assert (maps['hm_hp'].sigmoid() < 1e-4).all()
    branches.load_state_dict(trained.state_dict())
    for name, value in branches(feature).items():
        assert torch.equal(value, trained(feature)[name]) is (name != 'hm_hp'), name
    assert (branches(feature)['hm_hp'] == maps['hm_hp']).all()


def test_channels_that_do_not_fit_the_norm():
    with raises(ConfigError, '32', argument='head_conv', value=40):
        make(head_conv=40)
