import os
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cpose.cli.main import WORDS, build_parser, main
from cpose.cli.option_values import command_flags, tell_flags
from cpose.error_places import ConfigPlace, FlagPlace
from cpose.errors import ConfigError

TOOLS = Path(__file__).parents[2] / 'tools'
COMMAND_TOOLS = sorted(
    tool for tool in TOOLS.glob('*.py') if 'from cpose.cli.main import main' in tool.read_text()
)


@pytest.mark.parametrize('word', WORDS)
def test_every_command_has_help(word, capsys):
    with pytest.raises(SystemExit) as info:
        main([word, '--help'])
    assert info.value.code == 0
    assert 'usage: cpose' in capsys.readouterr().out


def test_errors_of_the_user_are_messages(capsys):
    assert main(['print-config', 'no_such_config']) == 2
    error = capsys.readouterr().err
    assert 'no_such_config' in error
    assert 'Traceback' not in error


@pytest.mark.parametrize(
    ('launcher', 'environment', 'waits'),
    [
        ('pytorch', {'RANK': '1'}, True),
        ('pytorch', {'RANK': '0', 'SLURM_PROCID': '1'}, False),
        ('slurm', {'SLURM_PROCID': '1'}, True),
        ('slurm', {'SLURM_PROCID': '0'}, False),
        ('none', {'RANK': '1'}, False),
    ],
)
def test_first_process_speaks_first(launcher, environment, waits, monkeypatch, capsys):
    waited = []
    monkeypatch.setattr('time.sleep', waited.append)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(['train', 'no_such_config', '--launcher', launcher]) == 2
    assert bool(waited) == waits
    assert 'no_such_config' in capsys.readouterr().err


def test_interruption_has_its_code(monkeypatch, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr('cpose.cli.commands.print_config.run', interrupt)
    assert main(['print-config', 'dla34_bike']) == 130
    assert 'interrupted' in capsys.readouterr().err


def test_interruptions_that_a_library_turns_into_an_error(monkeypatch, capsys):
    def interrupt(args):
        try:
            raise KeyboardInterrupt
        except:  # noqa: E722  as libraries write it
            raise SyntaxError('cannot be formatted')  # noqa: B904

    monkeypatch.setattr('cpose.cli.commands.print_config.run', interrupt)
    assert main(['print-config', 'dla34_bike']) == 130
    assert capsys.readouterr().err == 'cpose print-config: interrupted\n'


@pytest.fixture
def broken_command(monkeypatch, tmp_path):
    """Let ``print-config`` fail at a mistake of the program; yields where reports go."""

    def fail(args):
        raise ZeroDivisionError('a mistake, with the key s3cret')

    monkeypatch.setattr('cpose.cli.commands.print_config.run', fail)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    monkeypatch.setenv('CPOSE_ENCRYPTION_KEY', 's3cret')
    return tmp_path


def test_unexpected_errors_are_one_message_and_a_report(broken_command, capsys):
    assert main(['print-config', 'dla34_bike']) == 1
    error = capsys.readouterr().err
    (report,) = broken_command.iterdir()
    assert 'ZeroDivisionError' in error
    assert str(report) in error
    assert 'Traceback' not in error
    text = report.read_text()
    assert 'Traceback' in text
    assert 'cpose print-config dla34_bike' in text
    assert 's3cret' not in text


@pytest.mark.parametrize(
    'words', [['--debug', 'print-config', 'x'], ['print-config', 'x', '--debug']]
)
def test_debug_shows_the_traceback(broken_command, capsys, words):
    assert main(words) == 1
    assert 'Traceback' in capsys.readouterr().err


def test_debug_shows_the_traceback_of_errors_of_the_user(capsys):
    assert main(['--debug', 'print-config', 'no_such_config']) == 2
    assert 'Traceback' in capsys.readouterr().err


def test_a_report_has_no_key_of_the_command_line(broken_command, capsys):
    assert main(['print-config', 'encryption_key=very-secret', '--debug']) != 0
    told = capsys.readouterr().err + ''.join(file.read_text() for file in broken_command.iterdir())
    assert 'very-secret' not in told


def test_no_place_for_a_report(broken_command, capsys, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(broken_command / 'nowhere'))
    assert main(['print-config', 'dla34_bike']) == 1
    assert 'Traceback' in capsys.readouterr().err


def flags_of(*words):
    parser = build_parser(words)
    return command_flags(parser, parser.parse_args(words))


def test_flags_of_commands():
    flags = flags_of('train', 'x', '--work-dir', 'y')
    assert flags['work_dir'] == '--work-dir'
    assert flags['config'] == 'CONFIG'
    assert flags['options'] == '--cfg-options'
    flags = flags_of('tao', 'train', '-e', 'x')
    assert flags['spec'] == '--experiment_spec_file'


def test_errors_speak_of_flags():
    flags = {'batch': '--batch', 'force': '--force'}
    error = ConfigError('is wrong', argument='batch', value=0, advice=('Use {force}', 'Use {out}'))
    tell_flags(error, flags)
    assert error.place == FlagPlace('--batch')
    assert str(error) == '--batch 0 is wrong. Use --force.'
    error = ConfigError('is wrong', argument='batch', place=ConfigPlace(('a.batch',)))
    tell_flags(error, flags)
    assert error.place == ConfigPlace(('a.batch',))


def spin_count(**environment):
    code = (
        'import os, sys; from cpose.cli.main import main; assert "torch" not in sys.modules; '
        'main(["print-config", "dla34_bike"]); print(os.environ.get("GOMP_SPINCOUNT"))'
    )
    unset = ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')
    rest = {key: value for key, value in os.environ.items() if key not in unset}
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
        env={**rest, **environment},
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_threads_spin_shortly_and_torch_is_imported_later():
    assert spin_count() == '10000'


@pytest.mark.slow
def test_the_user_decides_how_threads_wait():
    assert spin_count(GOMP_SPINCOUNT='7') == '7'
    assert spin_count(OMP_WAIT_POLICY='ACTIVE') == 'None'


@pytest.mark.parametrize('tool', COMMAND_TOOLS, ids=lambda file: file.name)
def test_tools_are_thin(tool):
    assert len(tool.read_text().splitlines()) < 20
    done = subprocess.run(
        [sys.executable, str(tool), '--help'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert f'cpose {tool.stem.replace("_", "-")}' in done.stdout


@pytest.mark.parametrize('words', [['--help'], ['no-such-command']])
def test_the_module_runs_whole(words, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['cpose', *words])
    monkeypatch.delitem(sys.modules, 'cpose.cli.main')
    with pytest.raises(SystemExit) as stop:
        runpy.run_module('cpose.cli.main', run_name='__main__')
    assert stop.value.code == (0 if words == ['--help'] else 2)
    printed = capsys.readouterr()
    assert 'export-onnx' in printed.out + printed.err


def test_a_package_that_is_not_installed_is_an_error_of_the_user(monkeypatch, capsys):
    def fail(args):
        try:
            import_module('nowhere_at_all')
        except ImportError:
            raise ImportError('run pip') from None  # as the backends of MMEngine do

    monkeypatch.setattr('cpose.cli.commands.print_config.run', fail)
    assert main(['print-config', 'dla34_bike']) == 2
    assert 'pip install nowhere_at_all' in capsys.readouterr().err
