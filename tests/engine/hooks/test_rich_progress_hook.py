import io

from rich.console import Console

from cpose.engine.hooks.rich_progress_hook import RichProgressHook


def train(build_runner, console, capsys):
    runner = build_runner({'default_hooks.progress': None, 'log_level': 'INFO'})
    runner.register_hook(RichProgressHook(console))
    runner.train()
    return runner, capsys.readouterr().out


def test_bar_on_a_terminal(build_runner, capsys):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=200)
    runner, _ = train(build_runner, console, capsys)
    text = file.getvalue()
    assert 'epoch 1/3' in text
    assert '18/18' in text
    assert 'validation' in text
    assert 'loss_a' in text
    assert text.count('\x1b[?25h') == text.count('\x1b[?25l')
    runner.test()
    assert 'test' in file.getvalue()


def test_log_lines_only_where_there_is_no_terminal(build_runner, capsys):
    file = io.StringIO()
    _, log = train(build_runner, Console(file=file, force_terminal=False), capsys)
    assert file.getvalue() == ''
    assert 'eta' in log


def test_log_goes_above_the_bar_and_back(build_runner, capsys):
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    runner = build_runner({'default_hooks.progress': None, 'log_level': 'INFO'})
    streams = [getattr(handler, 'stream', None) for handler in runner.logger.handlers]
    hook = RichProgressHook(console)
    runner.register_hook(hook)
    runner.train()
    assert [getattr(handler, 'stream', None) for handler in runner.logger.handlers] == streams
    hook.close()
