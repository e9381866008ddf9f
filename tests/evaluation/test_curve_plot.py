import cv2
import numpy as np
import pytest

from cpose.errors import OutputError
from cpose.evaluation.curve_plot import plot_curves
from cpose.evaluation.metric_spec import (
    MetricSpec,
    ReportedNumber,
    describe_metric,
    thresholds_up_to,
)
from cpose.evaluation.metric_table import METRIC_TABLE

from ..user_errors import raises

RECALL = [n / 100 for n in range(101)]


def curve_report(level):
    curve = {'thresholds': [n / 20 for n in range(21)], 'ap': [level] * 21}
    return {
        'num_images': 3,
        'num_objects': 5,
        'curves': {metric.key: curve for metric in METRIC_TABLE},
        'precision_recall': {'recall': RECALL, '0.25': [level] * 101, '0.5': [None] * 101},
    }


@pytest.mark.slow
def test_writes_a_picture(tmp_path):
    plot_curves(curve_report(0.6), tmp_path / 'new' / 'curves.png')
    image = cv2.imread(str(tmp_path / 'new' / 'curves.png'))
    assert image.shape[0] > 900
    assert image.shape[1] > 1800
    # White ground, the accent of the curves and something written.
    assert (image == 255).all(axis=2).mean() > 0.6
    accent = np.array([0xB8, 0x6F, 0x0B])
    assert (np.abs(image.astype(int) - accent).sum(axis=2) < 10).sum() > 3000


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'begins'), [('a.PDF', b'%PDF'), ('a.svg', b'<?xml'), ('a', b'\x89PNG')]
)
def test_the_ending_is_the_format(tmp_path, name, begins):
    plot_curves(curve_report(0.6), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.slow
def test_categories_are_drawn_beside_the_mean(tmp_path):
    report = curve_report(0.6)
    plot_curves(report, tmp_path / 'one.png')
    report['per_category'] = {'cup': curve_report(0.8), 'shoe': curve_report(0.4)}
    plot_curves(report, tmp_path / 'two.png')
    one, two = (cv2.imread(str(tmp_path / name)) for name in ('one.png', 'two.png'))
    orange = np.array([0x39, 0x7B, 0xE0])
    counts = [(np.abs(image.astype(int) - orange).sum(axis=2) < 60).sum() for image in (one, two)]
    assert counts[0] == 0
    assert counts[1] > 500


def test_unknown_numbers_do_not_stop_it(tmp_path):
    plot_curves(curve_report(None), tmp_path / 'empty.png')
    assert (tmp_path / 'empty.png').stat().st_size > 0


def test_unwritable_file_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with raises(OutputError):
        plot_curves(curve_report(0.5), tmp_path / 'file' / 'curves.png')


@pytest.mark.slow
def test_dollars_in_names_are_no_formula(tmp_path):
    report = curve_report(0.6)
    report['per_category'] = {'$a_{$': curve_report(0.8), '$b^$': curve_report(0.4)}
    plot_curves(report, tmp_path / 'curves.png', title='runs/$x_{$/best.pth')
    assert (tmp_path / 'curves.png').stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize('count', [9, 30])
def test_names_of_categories_leave_the_heading_free(tmp_path, count):
    """Compare the heading with that of the same picture without names."""
    report = curve_report(0.6)
    plot_curves(report, tmp_path / 'one.png', title='w' * 70)
    report['per_category'] = {f'category_{n}': curve_report(0.8) for n in range(count)}
    plot_curves(report, tmp_path / 'many.png', title='w' * 70)
    one, many = (cv2.imread(str(tmp_path / name))[:60] for name in ('one.png', 'many.png'))
    np.testing.assert_array_equal(one, many)


@pytest.mark.slow
def test_metrics_of_your_own_have_panels(tmp_path):
    extra = MetricSpec(
        'own', 'Own', None, (ReportedNumber('AP_own', '', 0.5),), thresholds_up_to(1)
    )
    report = curve_report(0.6)
    plot_curves(report, tmp_path / 'one.png')
    report['extra_metrics'] = [describe_metric(extra)]
    report['curves']['own'] = report['curves']['iou']
    plot_curves(report, tmp_path / 'two.png')
    heights = [cv2.imread(str(tmp_path / name)).shape[0] for name in ('one.png', 'two.png')]
    assert heights == [1080, 1620]
