"""Render the tables of ``docs/tao.md`` from the definitions of the spec.

``python tools/render_tao_keys.py`` writes them; ``tests/test_tao_pages.py`` fails for old ones.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cpose.tao.spec.key_list import describe_allowed, spec_keys
from cpose.tao.spec.readings import READINGS

DOCUMENT = Path(__file__).resolve().parents[1] / 'docs' / 'tao.md'
SETTLED = {
    'dataset.inference_data': (
        'The documentation writes "inference data" too',
        'the underscore; the other spelling is an error that names it',
    ),
    'dataset.num_classes': (
        'The schema has 1 or more, the documentation 1 only',
        'as many as `dataset.category` names',
    ),
    'dataset.batch_size': ('The tables have 4, the examples 64, 32, 2 and 1', '4'),
    'dataset.workers': ('The tables have 8, the examples 4', '8'),
    'train.num_epochs': ('The tables have 10, the examples 10, 30 and 40', '10'),
    'train.seed': (
        'The documentation has 1234, above 0, the schema from -1, an example 317',
        '1234, from -1',
    ),
    'train.checkpoint_interval': ('The tables have 1, the examples 5, 10 and 20', '1'),
    'train.validation_interval': ('The tables have 1, the examples 5, 10 and 20', '1'),
    'train.clip_grad_val': ('The documentation has 0 or more, the schema 1 or more', '0 or more'),
    'train.optim.lr': (
        'The documentation says without the backbone; the code has one rate for all weights',
        'one rate for all weights',
    ),
    'train.num_nodes': ('The schema has it; other documents say that it does not exist', '1 only'),
    'model.use_pretrained': ('The tables have false, the examples true', 'false'),
    'evaluate.eval_num_symmetry': (
        'The schema has 3 or more with 1 as default, the documentation above 0',
        '1, from 1',
    ),
    'inference.visualization_threshold': (
        'The schema has 0.3 only, the documentation 0 or more; engines always take 0.3',
        '0.3, from 0 to 1, with engines too',
    ),
    'export.input_width': (
        'The schema has 512 only, the documentation above 0; height alike',
        'multiples of 32',
    ),
    'export.opset_version': ('The schema has 16 only, the documentation above 0', '16 to 21'),
    'gen_trt_engine.tensorrt.opt_batch_size': (
        'The schema has 4 or more, the templates 1 and 2',
        '4, from 1',
    ),
    'gen_trt_engine.tensorrt.max_batch_size': (
        'The schema has 8 or more, the templates 4',
        '8, from 1',
    ),
    'gen_trt_engine.tensorrt.data_type': (
        'The schema has upper case, the templates lower case',
        'any case',
    ),
}
"""Key to what the sources say, and what holds here."""
FILES = {
    '`model_epoch_EEE_step_SSSSS.pth`': (
        'The documentation has `model_epoch_NNN.pth`',
        'the name that the code writes',
    ),
    '`<name>.jpg`': (
        'The documentation has .jpg for all pictures, the code the ending of the image',
        'the ending of the image, so that pictures of png images are png',
    ),
    '`centerpose_model_latest.pth`': (
        'The documentation says that it is saved too',
        'a link, as the code makes it',
    ),
}
"""The same of files in the results."""


MARKED = '<!-- {name} -->\n{text}<!-- end of {name} -->'


def update_document(text: str) -> str:
    """Return a document with its tables as they should be now."""
    for name, table in (('keys', key_tables()), ('readings', readings_table())):
        old = re.search(MARKED.format(name=name, text='.*?'), text, flags=re.DOTALL)
        assert old is not None, f'the document has no place for {name}'
        text = text.replace(old[0], MARKED.format(name=name, text=f'{table}\n'))
    return text


def key_tables() -> str:
    """Return one table of keys per section."""
    sections: dict[str, list[str]] = {}
    for key, schema in spec_keys().items():
        section = key.partition('.')[0] if '.' in key else 'top level'
        sections.setdefault(section, []).append(_row(key, schema))
    return '\n\n'.join(
        f'### {name}\n\n| key | default | allowed | what it does here | difference |\n'
        '|---|---|---|---|---|\n' + '\n'.join(rows)
        for name, rows in sections.items()
    )


def readings_table() -> str:
    """Return the table of keys and files of which TAO's sources say different things."""
    return '| key | sources of TAO | here |\n|---|---|---|\n' + '\n'.join(_readings())


def _readings() -> Iterator[str]:
    for reading in READINGS:
        yield f'| `{reading.key}` | {reading.others} | {reading.chosen}; a warning says so |'
    keys = {f'`{key}`': row for key, row in SETTLED.items()}
    for name, (others, chosen) in {**keys, **FILES}.items():
        yield f'| {name} | {others} | {chosen} |'


def _row(key: str, schema: Mapping[str, Any]) -> str:
    meaning = schema['description']
    if 'only_because' in schema:
        meaning += f' Other values are refused: {schema["only_because"]}.'
    default = json.dumps(schema['default'])
    cells = (f'`{key}`', f'`{default}`', describe_allowed(schema), meaning)
    return f'| {" | ".join(cells)} | {schema.get("difference", "")} |'


if __name__ == '__main__':
    DOCUMENT.write_text(update_document(DOCUMENT.read_text(encoding='utf-8')), encoding='utf-8')
