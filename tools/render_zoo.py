"""Render the pages of the zoo from its metafile.

``python tools/render_zoo.py`` writes ``model-index.yml``, the list of configs, and the tables in
the README and in ``docs/zoo.md``; ``tests/test_zoo_pages.py`` fails for old ones.
"""

from collections.abc import Sequence
from pathlib import Path

from cpose.apis.metafile import METAFILE, ZooModel, read_metafile, shipped_metafile
from cpose.apis.zoo import (
    NO_FIGURE,
    TABLE_HEADER,
    markdown_table,
    model_card,
    table_row,
    with_weights,
)

ROOT = Path(__file__).resolve().parents[1]
HEADER = """# Models

`python tools/render_zoo.py` makes this page from [metafile.yml](metafile.yml). Models with weights
are in [docs/zoo.md](../../docs/zoo.md).

"""
BEGIN, END = '<!-- zoo -->\n', '<!-- end of zoo -->\n'
"""Between them stands what is rendered in a page."""


def render_index() -> str:
    """Return the text of ``model-index.yml``, which the tools of OpenMMLab read."""
    return f'Import:\n  - configs/{METAFILE}\n'


def render_configs(models: Sequence[ZooModel]) -> str:
    """Return the page ``configs/centerpose/README.md``: a row for every config."""
    rows = []
    for model in filter(lambda model: model.config, models):
        cell = f'[{model.name}]({Path(model.config).name})'
        rows.append([cell, model.backbone, ', '.join(model.categories), model.origin or NO_FIGURE])
    return HEADER + markdown_table(['config', 'backbone', 'category', 'weights'], rows)


def render_table(models: Sequence[ZooModel]) -> str:
    """Return the table of the models that have weights somewhere."""
    known = with_weights(models)
    rows = [table_row(model) for model in known]
    for row, model in zip(rows, known, strict=True):
        row[-1] = f'[{row[-1]}]({model.address})' if model.address.startswith('http') else row[-1]
    return markdown_table(TABLE_HEADER, rows)


def render_cards(models: Sequence[ZooModel]) -> str:
    """Return the table, and the cards of the models in it."""
    cards = [f'#{model_card(model)}' for model in with_weights(models)]
    return '\n'.join(['', render_table(models), *cards])


def replaced(page: str, text: str) -> str:
    """Return a page of the project with other text between the marks."""
    before, _, rest = (ROOT / page).read_text(encoding='utf-8').partition(BEGIN)
    _, _, after = rest.partition(END)
    return f'{before}{BEGIN}{text}{END}{after}'


def pages() -> dict[Path, str]:
    """Return the text of every page by its path below the repository."""
    models = read_metafile(shipped_metafile())
    return {
        Path('model-index.yml'): render_index(),
        Path('configs/centerpose/README.md'): render_configs(models),
        Path('README.md'): replaced('README.md', f'\n{render_table(models)}\n'),
        Path('docs/zoo.md'): replaced('docs/zoo.md', render_cards(models)),
    }


if __name__ == '__main__':
    for path, text in pages().items():
        (ROOT / path).write_text(text, encoding='utf-8')
