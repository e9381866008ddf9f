"""The wording of all messages, in one file that is read in a diff.

After a change of words: ``make messages``.
"""

import difflib
import os
from pathlib import Path

import pytest
from mmengine.registry import Registry

import cpose.registry
from cpose.cli.main import main
from cpose.errors import UserError

from .message_cases import (
    checkpoints,
    commands,
    config,
    data,
    deploy,
    evaluation,
    files,
    inference,
    models,
    tao,
    tracks,
    videos,
)

PLUGIN_ROOTS = {
    'tests',
    *(path.name for path in Path(__file__).parents[1].glob('projects/*/*') if path.is_dir()),
}
SNAPSHOT = Path(__file__).with_name('messages.snapshot.txt')
GROUPS = (
    checkpoints,
    commands,
    config,
    data,
    deploy,
    evaluation,
    files,
    inference,
    models,
    tao,
    tracks,
    videos,
)


def message_of(case, folder, capsys):
    """Return what a user reads: of a command line, or of a call from Python."""
    if not callable(case):
        capsys.readouterr()
        assert main(case) == 2, case
        return capsys.readouterr().err.strip()
    try:
        case(folder)
    except UserError as error:
        return str(error)
    raise AssertionError('the case raises nothing')


@pytest.fixture
def only_shipped_parts(monkeypatch):
    """Hide what plugins of other tests in this process have registered."""
    for registry in vars(cpose.registry).values():
        if isinstance(registry, Registry):
            # Of the dict itself: what is first imported meanwhile must stay registered.
            for name in [
                name for name, kind in registry.module_dict.items() if not is_shipped(kind)
            ]:
                monkeypatch.delitem(registry._module_dict, name)


def is_shipped(kind):
    return getattr(kind, '__module__', 'cpose').partition('.')[0] not in PLUGIN_ROOTS


@pytest.mark.slow
def test_messages(tmp_path, monkeypatch, capsys, only_shipped_parts):
    entries = []
    for group in GROUPS:
        name = group.__name__.rpartition('.')[2]
        for title, case in sorted(group.CASES.items()):
            folder = tmp_path / name / title.replace(' ', '_')
            folder.mkdir(parents=True)
            monkeypatch.chdir(folder)
            text = message_of(case, folder, capsys).replace(str(folder), 'FOLDER')
            text = text.replace(str(Path(cpose.__file__).parents[1]), 'PROJECT')
            entries.append(f'[{name}: {title}]\n{text}\n')
    found = '\n'.join(entries)
    if os.environ.get('UPDATE_MESSAGES'):
        SNAPSHOT.write_text(found)
    diff = difflib.unified_diff(SNAPSHOT.read_text().splitlines(), found.splitlines(), lineterm='')
    changes = '\n'.join(diff)
    assert not changes, f'messages changed; write them with `make messages`:\n{changes}'
