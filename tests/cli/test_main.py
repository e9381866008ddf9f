import os
import subprocess
import sys
from pathlib import Path

import pytest

from cpose.cli import main as cli
from cpose.cli.main import COMMANDS, build_parser, main

TOOLS = Path(__file__).parents[2] / 'tools'
COMMAND_TOOLS = sorted(
    tool for tool in TOOLS.glob('*.py') if 'from cpose.cli.main import main' in tool.read_text()
)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as info:
        main([command.replace('_', '-'), '--help'])
    assert info.value.code == 0
    assert 'usage: cpose' in capsys.readouterr().out


def test_errors_of_the_user_are_messages(capsys):
    assert main(['print-config', 'no_such_config']) == 2
    error = capsys.readouterr().err
    assert "There is no config 'no_such_config'" in error
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
    parser = build_parser(['print_config'])
    monkeypatch.setattr(cli, 'build_parser', lambda: parser)
    assert main(['print-config', 'dla34_bike']) == 130
    assert 'interrupted' in capsys.readouterr().err


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


def test_threads_spin_shortly_and_torch_is_imported_later():
    assert spin_count() == '10000'


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
