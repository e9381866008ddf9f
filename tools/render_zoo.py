"""Render the pages of the zoo from its metafile: ``model-index.yml`` and the table of configs.

``python tools/render_zoo.py`` writes both; ``tests/test_zoo_pages.py`` fails for an old one.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
METAFILE = Path('configs/centerpose/metafile.yml')
NO_VALUE = '–'
HEADER = """# Models

`python tools/render_zoo.py` makes this page from [metafile.yml](metafile.yml).

| config | backbone | category | results | weights |
|---|---|---|---|---|
"""


def render_index() -> str:
    """Return the text of ``model-index.yml``, which the tools of OpenMMLab read."""
    return f'Import:\n  - {METAFILE.as_posix()}\n'


def render_table(models: Iterable[dict[str, Any]]) -> str:
    """Return the page ``configs/centerpose/README.md``: a row for every model of the metafile."""
    return HEADER + ''.join(map(_row, models))


def pages() -> dict[Path, str]:
    """Return the text of every page by its path below the repository."""
    models = yaml.safe_load((ROOT / METAFILE).read_text(encoding='utf-8'))['Models']
    return {
        Path('model-index.yml'): render_index(),
        METAFILE.with_name('README.md'): render_table(models),
    }


def _row(model: dict[str, Any]) -> str:
    metadata = model['Metadata']
    config = Path(model['Config']).name
    weights = f'[file]({model["Weights"]})' if 'Weights' in model else NO_VALUE
    cells = (
        f'[{model["Name"]}]({config})',
        metadata['Backbone'],
        metadata['Category'],
        '; '.join(map(_result, model.get('Results', ()))) or NO_VALUE,
        weights,
    )
    return f'| {" | ".join(cells)} |\n'


def _result(result: dict[str, Any]) -> str:
    metrics = ', '.join(f'{name} {value}' for name, value in result['Metrics'].items())
    return f'{result["Dataset"]}: {metrics}'


if __name__ == '__main__':
    for path, text in pages().items():
        (ROOT / path).write_text(text, encoding='utf-8')
