import numpy as np
import pytest

from cpose.datasets.synthetic.painting.upright_items import (
    KINDS,
    PANEL,
    VARIANTS,
    panel_bank,
    sample_panel,
)


@pytest.mark.parametrize('kind', KINDS.items)
def test_bank_of_each_kind(kind):
    bank = panel_bank(kind)
    assert len(bank) == VARIANTS
    for panel in bank:
        assert panel.shape == (PANEL[1], PANEL[0], 3)
        assert panel.dtype == np.uint8
    assert not np.array_equal(bank[0], bank[1])


def test_screens_are_darker_than_windows():
    assert np.mean(panel_bank('screen')) + 60 < np.mean(panel_bank('window'))


def test_samples_are_varied_and_leave_the_bank_alone():
    rng = np.random.default_rng(0)
    before = panel_bank('board')[0].copy()
    kinds = set()
    for _ in range(60):
        kind, panel = sample_panel(rng)
        kinds.add(kind)
        panel[:] = 0
    assert len(kinds) >= 5
    np.testing.assert_array_equal(panel_bank('board')[0], before)
