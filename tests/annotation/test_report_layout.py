"""Pages of data and results on wide and narrow screens, in a headless browser."""

import pytest

from cpose.cli.main import main

from .planted import write_file, write_files

pytestmark = pytest.mark.slow


@pytest.mark.parametrize('width', [1280, 400, 340])
def test_no_text_is_crushed_and_nothing_hangs_over(tmp_path, browser, width):
    root, report = tmp_path / 'data', tmp_path / 'report.html'
    contents = write_files(root)
    (root / '002.json').unlink()
    contents['005']['objects'][0]['projected_cuboid'][3][0] += 60
    write_file(root, '005', contents['005'], 5)
    assert main(['check-data', str(root), '--html', str(report)]) == 1
    page = browser.new_page(viewport={'width': width, 'height': 800})
    page.goto(report.as_uri())
    ends = page.eval_on_selector_all(
        'body *', 'found => found.map(each => each.getBoundingClientRect().right)'
    )
    assert max(ends) <= width
    cells = page.eval_on_selector_all(
        'tr td:nth-child(n+3)', 'found => found.map(each => each.getBoundingClientRect().width)'
    )
    assert len(cells) >= 4
    assert min(cells) >= 110
