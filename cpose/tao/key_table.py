"""The tables of docs/tao.md; ``python -m cpose.tao.key_table docs/tao.md`` renews them."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cpose.tao.readings import READINGS
from cpose.tao.settled import FILES, SETTLED
from cpose.tao.spec_keys import describe_allowed, spec_keys

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


def main(path: str) -> None:
    """Update a document in place."""
    file = Path(path)
    file.write_text(update_document(file.read_text(encoding='utf-8')), encoding='utf-8')


if __name__ == '__main__':
    main(sys.argv[1])
