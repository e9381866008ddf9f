import pytest

from cpose.datasets.synthetic.settings import RealismSettings
from cpose.errors import ConfigError

from ...user_errors import raises


def test_config_changes_what_it_names():
    settings = RealismSettings.from_config({'blur': 0.1, 'solids': [2, 3]})
    assert settings.blur == 0.1
    assert settings.solids == (2, 3)
    assert settings.noise == RealismSettings().noise
    assert RealismSettings.from_config(None) == RealismSettings()


@pytest.mark.parametrize(
    'values',
    [
        {'bluur': 0.1},
        {'noise': 1.5},
        {'solids': (3, 1)},
        {'shadow_strength': (0.1, 2)},
        {'box_span': (0.0, 0.5)},
        {'box_span': (0.5, 3)},
        {'sides': (0.0, 1.0)},
        {'pitch_deg': (10, 91)},
        {'roll_deg': (10, 200)},
        {'flat_items': (0, 101)},
        {'people': (0, float('inf'))},
    ],
)
def test_wrong_values_are_refused(values):
    with raises(ConfigError, argument=f'realism.{next(iter(values))}'):
        RealismSettings.from_config(values)


def test_plain_settings_switch_everything_off():
    plain = RealismSettings.plain()
    assert plain.solids == plain.flat_items == plain.upright_items == (0, 0)
    assert plain.shadow_strength == (0.0, 0.0)
    assert not any((plain.blur, plain.noise, plain.compression, plain.tone, plain.occluder))
    assert not any((plain.reflection, plain.defocus))
