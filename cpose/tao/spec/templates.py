"""Spec templates, schemas and a manifest as files, laid out as TAO ships them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cpose.errors import unwritable
from cpose.files.atomic import write_text_atomic
from cpose.files.model_files import check_new_file
from cpose.tao import TASKS
from cpose.tao.spec.required import MISSING, REQUIRED
from cpose.tao.spec.schema import SUMMARIES, job_schema

TEMPLATE = 'spec_template_{task}.yaml'
SCHEMA = 'schemas/{task}.schema.json'
MANIFEST = 'schemas/manifest.json'
SCHEMA_VERSION = 1
FILL_IN = MISSING[1]


def write_templates(folder: Path, may_replace: bool = False) -> list[Path]:
    """Write a template and a schema for every task, and a manifest; return the files.

    Args:
        folder: Where to write.
        may_replace: Whether existing files may be overwritten.

    Raises:
        OutputError: If a file is there already, or cannot be written.
    """
    files = {folder / name: text for name, text in _files()}
    for place in {path.parent for path in files}:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(place, error, 'Choose another {out}', 'out') from error
    for path in files:
        check_new_file(path, may_replace)
    for path, text in files.items():
        write_text_atomic(path, text)
    return list(files)


def spec_template(task: str) -> dict[str, Any]:
    """Return a spec of defaults in which `FILL_IN` stands for what the task needs.

    Of keys in whose place another one may be given the first is marked.
    """
    values: dict[str, Any] = job_schema(task)['default']
    for first, *_ in REQUIRED[task]:
        *sections, name = first.split('.')
        node = values
        for section in sections:
            node = node[section]
        node[name] = FILL_IN
    return values


def _files() -> Iterator[tuple[str, str]]:
    """Yield names of files, relative to the folder, and their texts."""
    actions = {}
    for task in TASKS:
        schema = job_schema(task)
        template, path = TEMPLATE.format(task=task), SCHEMA.format(task=task)
        yield template, yaml.safe_dump(spec_template(task), sort_keys=False)
        yield path, _json(schema)
        actions[task] = {
            'path': path,
            'spec_template': template,
            **{name: schema[name] for name in SUMMARIES},
        }
    yield (
        MANIFEST,
        _json(
            {
                'model': 'centerpose',
                'network_arch': 'centerpose',
                'schema_version': SCHEMA_VERSION,
                'automl_enabled': True,
                'actions': actions,
            }
        ),
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + '\n'
