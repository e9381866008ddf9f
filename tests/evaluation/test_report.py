import itertools
import json
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from cpose.evaluation.metric_spec import list_numbers
from cpose.evaluation.metric_table import COUNTS, METRIC_TABLE
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol
from cpose.evaluation.protocols.tao_protocol import TaoProtocol
from cpose.evaluation.report import build_table, write_metrics_json
from cpose.evaluation.score_report import build_report

from ..shipped_parts import settings

MEANINGS = {**{n.key: n.meaning for _, n in list_numbers(METRIC_TABLE)}, **COUNTS}
CATEGORY_TABLES = (
    ('AP50_3DIoU', 'AP50_3DIoU_tao', 'AP_azimuth15', 'AP_polar10'),
    ('mean_3DIoU', 'MPE_2D', 'MPE_2D_px', 'ADD', 'ADDS', 'num_objects'),
    ('mean_azimuth_deg', 'mean_polar_deg', 'mean_scale_error'),
)


@pytest.fixture
def report_for(random_scenes, new_record):
    def make(names):
        records = [new_record(scene) for scene in random_scenes(10, 0, labels=len(names))]
        meta = {
            'category': names,
            'symmetry': (None,) * len(names),
            'eval_num_symmetry': (1,) * len(names),
        }
        return build_report(
            records,
            meta,
            OneToOneProtocol(**settings('OneToOneProtocol')),
            TaoProtocol(**settings('TaoProtocol')),
        )

    return make


def text_of(table, width=80):
    console = Console(width=width, file=StringIO())
    console.print(table)
    return console.file.getvalue()


def test_brackets_of_paths_and_names_are_shown(report_for):
    text = text_of(build_table(report_for(('cup', '[b]')), 'runs/[a]/x'))
    assert text.startswith('runs/[a]/x')
    assert '[b]' in text


def test_table_of_one_category_fits_a_terminal(report_for):
    report = report_for(('cup',))
    text = text_of(build_table(report, 'cups'))
    assert 'cups' in text
    for name, meaning in MEANINGS.items():
        line = next(line for line in text.splitlines() if f' {name} ' in line)
        assert meaning in line
    assert f'{report["AP50_3DIoU"]:.4f}' in text
    assert max(map(len, text.splitlines())) <= 80
    lines = text.splitlines()
    breaks = [lines[n + 1].split()[1] for n, line in enumerate(lines) if line.startswith('├')]
    assert breaks == ['AP_azimuth15', 'mean_3DIoU', 'num_images']


def test_tables_of_several_categories_have_a_row_each(report_for):
    names = tuple(f'category_{n}' for n in range(9))
    report = report_for(names)
    text = text_of(build_table(report, 'runs/a.pth'))
    assert text.startswith('runs/a.pth, 10 images')
    assert '…' not in text
    assert max(map(len, text.splitlines())) <= 80
    lines = text.splitlines()
    headings = [lines[n - 1] for n, line in enumerate(lines) if line.split()[:1] == ['category']]
    assert tuple(tuple(heading.split()) for heading in headings) == CATEGORY_TABLES
    for name, numbers in {**report['per_category'], 'all': report}.items():
        rows = [line.split()[1:] for line in text.splitlines() if line.split()[:1] == [name]]
        shown = dict(
            zip(
                [key for keys in CATEGORY_TABLES for key in keys],
                itertools.chain(*rows),
                strict=True,
            )
        )
        assert shown['num_objects'] == str(numbers['num_objects'])
        assert shown['AP50_3DIoU'] in (f'{numbers["AP50_3DIoU"]:.4f}', '–')


def test_long_category_names_are_folded(report_for):
    text = text_of(build_table(report_for(('cup', 'a_box_of_cereals_with_a_very_long_name'))))
    assert '…' not in text
    assert 'a_box_of' in text


def test_unknown_numbers_are_dashes():
    assert '–' in text_of(build_table({'AP50_3DIoU': np.nan, 'num_images': 0}))


def test_json_holds_the_report(tmp_path, report_for):
    report = report_for(('cup',))
    report['ADD'] = float('nan')
    write_metrics_json(tmp_path / 'metrics.json', report)
    read = json.loads((tmp_path / 'metrics.json').read_text())
    assert read['AP50_3DIoU'] == report['AP50_3DIoU']
    assert read['ADD'] is None
    assert read['curves']['iou']['ap'] == report['curves']['iou']['ap']
