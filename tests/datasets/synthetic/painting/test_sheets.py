import numpy as np
import pytest

from cpose.datasets.synthetic.painting.flat_items import (
    KINDS,
    THICKNESS,
    VARIANTS,
    sample_sheet,
    sheet_bank,
)


@pytest.mark.parametrize('kind', KINDS.items)
def test_bank_of_each_kind(kind):
    bank = sheet_bank(kind)
    assert len(bank) == VARIANTS
    assert all(sheet.ndim == 3 and sheet.dtype == np.uint8 for sheet in bank)
    assert THICKNESS[kind] >= 0


def test_every_kind_has_a_thickness():
    assert set(THICKNESS) == set(KINDS.items)


def test_keyboards_are_wide_and_have_keys():
    keyboard = sheet_bank('keyboard')[0]
    assert keyboard.shape[1] > 2 * keyboard.shape[0]
    assert len(np.unique(keyboard[8, :, 0])) == 2


def test_samples_are_thin():
    rng = np.random.default_rng(0)
    for _ in range(30):
        sheet, thickness = sample_sheet(rng)
        assert sheet.shape[2] == 3
        assert 0 <= thickness < 0.1
