import pytest

from cpose.datasets.synthetic.settings import RealismSettings
from cpose.errors import ConfigError


def test_config_changes_what_it_names():
    settings = RealismSettings.from_config({'blur': 0.1, 'solids': [2, 3]})
    assert settings.blur == 0.1
    assert settings.solids == (2, 3)
    assert settings.noise == RealismSettings().noise
    assert RealismSettings.from_config(None) == RealismSettings()


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'bluur': 0.1}, "unknown key 'bluur'.*Nearest known: blur"),
        ({'noise': 1.5}, r'realism.noise=1.5 .* probability from 0 to 1'),
        ({'solids': (3, 1)}, r'realism.solids=\(3, 1\) .* range'),
        ({'shadow_strength': (0.1, 2)}, 'within 0 and 1'),
        ({'box_span': (0.0, 0.5)}, r'realism.box_span=\(0.0, 0.5\) .* within 0.03 and 1.1'),
        ({'box_span': (0.5, 3)}, 'within 0.03 and 1.1'),
        ({'sides': (0.0, 1.0)}, r'realism.sides=\(0.0, 1.0\) .* above 0'),
        ({'pitch_deg': (10, 91)}, r'realism.pitch_deg=\(10, 91\) .* within 0 and 90'),
        ({'roll_deg': (10, 200)}, r'realism.roll_deg=\(10, 200\) .* within 0 and 180'),
    ],
    ids=[
        'unknown',
        'probability',
        'range',
        'shadow',
        'small box',
        'large box',
        'sides',
        'pitch',
        'roll',
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        RealismSettings.from_config(values)


def test_plain_settings_switch_everything_off():
    plain = RealismSettings.plain()
    assert plain.solids == plain.flat_items == plain.upright_items == (0, 0)
    assert plain.shadow_strength == (0.0, 0.0)
    assert not any((plain.blur, plain.noise, plain.compression, plain.tone, plain.occluder))
    assert not any((plain.reflection, plain.defocus))
