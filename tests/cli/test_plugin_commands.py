"""A command of another distribution: one entry point, nothing else."""

import sys

import pytest

from cpose.cli.main import main

CODE = """
def add_parser(subparsers):
    parser = subparsers.add_parser('greet', help='say a word')
    parser.add_argument('--word', default='hello')
    parser.set_defaults(func=run)

def run(args):
    print(args.word)
    return 3
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Install a distribution on the path of this process."""

    def install(code=CODE, name='greet'):
        info = tmp_path / 'fake_greetings-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(
            'Metadata-Version: 2.1\nName: fake-greetings\nVersion: 1.0\n'
        )
        (info / 'entry_points.txt').write_text(f'[cpose.commands]\n{name} = fake_greetings\n')
        (tmp_path / 'fake_greetings.py').write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, 'fake_greetings', raising=False)

    yield install
    sys.modules.pop('fake_greetings', None)


def test_command_runs(distribution, capsys):
    distribution()
    assert main(['greet', '--word', 'good morning']) == 3
    assert capsys.readouterr().out == 'good morning\n'


def test_help_names_it_without_importing_it(distribution, capsys):
    distribution()
    with pytest.raises(SystemExit):
        main(['--help'])
    out = capsys.readouterr().out
    assert 'greet' in out
    assert 'fake-greetings' in out
    assert 'fake_greetings' not in sys.modules


def test_own_commands_do_not_look_for_packages(distribution, monkeypatch):
    distribution(name='print-config')
    monkeypatch.setattr('cpose.cli.main.entry_points', None)
    assert main(['print-config', 'dla34_bike']) == 0
    assert 'fake_greetings' not in sys.modules


@pytest.mark.parametrize('code', ['import no_such_package_at_all', 'add_parsers = None'])
def test_package_that_cannot_be_imported(distribution, capsys, code):
    distribution(code)
    assert main(['greet']) == 2
    error = capsys.readouterr().err
    assert 'greet' in error
    assert 'fake-greetings' in error
    assert 'Traceback' not in error


def test_unknown_command(distribution, capsys):
    distribution()
    with pytest.raises(SystemExit) as caught:
        main(['gret'])
    assert caught.value.code == 2
    assert 'greet' in capsys.readouterr().err
