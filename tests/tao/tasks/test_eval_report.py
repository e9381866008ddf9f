from cpose.tao.tasks.evaluate import (
    log_text,
    psql_table,
    report_text,
    write_reports,
)

MEANS = {
    'Mean Error Scale': 'mean_scale_error',
    'Mean Error 2D': 'MPE_2D',
    'Mean 3D IoU': 'mean_3DIoU',
    'Mean Azimuth Error': 'mean_azimuth_deg',
    'Mean Polar Error': 'mean_polar_deg',
}
CURVES = {
    'Scale': 'scale',
    '3D IoU': 'iou',
    '2D Pixel': 'pixel',
    'Azimuth': 'azimuth',
    'Polar': 'polar',
    'ADD': 'add',
    'ADDS': 'adds',
}
"""Rows of TAO's tables, in their order, to names in our report."""

ROW_PARTS = (('', ' Threshold'), ('AP @ ', ''))

REPORT = {
    **{name: number / 10 for number, name in enumerate(MEANS.values())},
    'AP50_3DIoU': 0.123456,
    'curves': {
        name: {'thresholds': [0.0, 0.5, 1.0], 'ap': [0.1, 0.2, 0.3]} for name in CURVES.values()
    },
}
TAO_REPORT = {**REPORT, 'AP50_3DIoU': 0.654321, 'MPE_2D': float('nan')}


def test_table():
    assert psql_table([['a', '1', '22'], ['bbb', '3']]).splitlines() == [
        '+-----+---+----+',
        '| a   | 1 | 22 |',
        '| bbb | 3 |    |',
        '+-----+---+----+',
    ]


def test_all_means_and_curves_are_there():
    text = report_text(REPORT, TAO_REPORT)
    for label in [
        *MEANS,
        *(f'AP @ {label}' for label in CURVES),
        *(f'{label} Threshold' for label in CURVES),
    ]:
        assert text.count(f'| {label} ') == 2, label
    rows = [line.split(' | ')[0][2:].strip() for line in text.splitlines() if line[:2] == '| ']
    curves = [f'{start}{label}{end}' for label in CURVES for start, end in ROW_PARTS]
    assert rows == [*MEANS, *curves] * 2
    assert '0.1000 | 0.2000 | 0.3000' in text
    assert text.index('nan') < text.index('One-to-one')


def test_log_has_five_decimals():
    lines = log_text(REPORT, TAO_REPORT).splitlines()
    assert lines[0].endswith(' 0.65432')
    assert lines[1].endswith(' nan')
    assert lines[2].endswith(' 0.12346')


def test_files(tmp_path):
    write_reports(tmp_path, REPORT, TAO_REPORT)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names[1] == 'report.txt'
    assert names[0].startswith('log_eval_20')
    assert names[0].endswith('.txt')
