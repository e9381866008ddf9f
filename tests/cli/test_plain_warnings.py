import warnings

from cpose.apis.inference.camera_io import GuessWarning
from cpose.cli.command_process import plain_warnings
from cpose.cli.main import main


def test_warnings_are_lines_of_text(capsys):
    with plain_warnings({}):
        warnings.warn('Mind the gap', stacklevel=2)
    assert capsys.readouterr().err == 'Warning: Mind the gap\n'


def test_they_name_the_options_of_a_command(capsys):
    with plain_warnings({'camera': '--camera'}):
        warnings.warn(GuessWarning('No camera is known', advice='Give {camera}'), stacklevel=2)
    assert capsys.readouterr().err == 'Warning: No camera is known. Give --camera.\n'


def test_they_are_in_every_command(monkeypatch, capsys):
    def warn(args):
        warnings.warn('Mind the gap', stacklevel=2)

    monkeypatch.setattr('cpose.cli.commands.print_config.run', warn)
    assert main(['print-config', 'dla34_bike']) == 0
    assert capsys.readouterr().err == 'Warning: Mind the gap\n'
