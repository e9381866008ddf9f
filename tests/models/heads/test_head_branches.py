import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.heads.head_branches import HeadBranches

CHANNELS = {'hm': 1, 'wh': 2, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'hps': 16, 'scale': 3}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize('use_association', [True, False])
def test_maps(use_association):
    branches = HeadBranches(8, head_conv=32, use_association=use_association)
    maps = branches(torch.randn(2, 8, 6, 5))
    assert {name: value.shape[1] for name, value in maps.items()} == CHANNELS
    assert all(value.shape[::2] == (2, 6) for value in maps.values())


def test_more_classes_and_uncertainty():
    branches = HeadBranches(
        8,
        num_classes=3,
        head_conv=32,
        uncertainty_branches=('hps_uncertainty', 'scale_uncertainty'),
    )
    maps = branches(torch.randn(1, 8, 4, 4))
    expected = CHANNELS | {'hm': 3, 'hps_uncertainty': 16, 'scale_uncertainty': 3}
    assert {name: value.shape[1] for name, value in maps.items()} == expected


def test_each_step_feeds_its_branches():
    branches = HeadBranches(
        8, head_conv=32, uncertainty_branches=('hps_uncertainty', 'scale_uncertainty')
    )
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
    branches = HeadBranches(8, head_conv=24, use_association=False)
    assert branches.association is None
    assert not any(isinstance(part, torch.nn.GroupNorm) for part in branches.modules())


def test_initial_values():
    branches = HeadBranches(8, head_conv=32)
    for name, branch in branches.outputs.items():
        is_heatmap = name in ('hm', 'hm_hp')
        assert torch.allclose(branch.out.bias, torch.tensor(-2.19 if is_heatmap else 0.0))
        assert bool((branch.hidden.bias == 0).all()) is not is_heatmap


def test_untrained_branches_predict_the_same_everywhere_until_weights_are_loaded():
    branches = HeadBranches(8, head_conv=32, untrained_branches=('hp_offset', 'hm_hp'))
    feature, trained = torch.randn(1, 8, 6, 5), HeadBranches(8, head_conv=32)
    maps = branches(feature)
    assert (maps['hp_offset'] == 0).all()
    assert (maps['hm_hp'].sigmoid() < 1e-4).all()
    branches.load_state_dict(trained.state_dict())
    for name, value in branches(feature).items():
        assert torch.equal(value, trained(feature)[name]) is (name != 'hm_hp'), name
    assert (branches(feature)['hm_hp'] == maps['hm_hp']).all()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'head_conv': 40}, r'head_conv=40 .*multiple of 32'),
        ({'uncertainty_branches': ('hps_uncertain',)}, r"'hps_uncertain'.*hps_uncertainty"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        HeadBranches(8, **options)
