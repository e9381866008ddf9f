"""What may be written: nothing over an input, nothing over files of others without an order."""

import multiprocessing
import os

import pytest

from cpose.errors import OutputError
from cpose.files.atomic import try_folder, write_text_atomic
from cpose.files.outputs import (
    LOCK_NAME,
    MARK,
    check_output,
    check_outside,
    check_replaceable,
    folder_held,
    note_input,
    outputs_guarded,
)

from ..user_errors import raises


def link(kind):
    def make(target, path):
        getattr(os, kind)(target, path)
        return path

    return make


def the_same(target, path):
    return target


def another_spelling(target, path):
    return target.parent / 'below' / '..' / target.name


@pytest.mark.parametrize('name', [the_same, another_spelling, link('symlink'), link('link')])
def test_an_input_is_never_replaced(tmp_path, name):
    """By whatever name it is given, and whatever was ordered."""
    (tmp_path / 'below').mkdir()
    source = tmp_path / 'input.json'
    source.write_bytes(MARK)
    target = name(source, tmp_path / 'other')
    with outputs_guarded(may_replace=True):
        note_input(source)
        for check in (check_output, check_replaceable):
            with raises(OutputError, 'never replaces an input', argument='out', path=target):
                check(target)
        with raises(OutputError, 'never replaces an input', path=target):
            write_text_atomic(target, 'output')
    assert source.read_bytes() == MARK


def test_what_lies_in_a_folder_of_inputs(tmp_path):
    """Results of this project may be there, and are no inputs."""
    data = tmp_path / 'data'
    (data / 'below').mkdir(parents=True)
    (data / 'below' / 'a.json').write_text('{"objects": []}')
    (data / 'result.json').write_text('{"is_camera_guessed": true}')
    (tmp_path / 'link').symlink_to(data)
    with outputs_guarded(may_replace=True):
        note_input(data, None, 3, tmp_path / 'nowhere')
        for place in (data, tmp_path / 'link'):
            with pytest.raises(OutputError):
                check_output(place / 'below' / 'a.json')
            check_output(place / 'result.json')
            check_output(place / 'new.json')


def test_files_of_others(tmp_path):
    file = tmp_path / 'thesis.json'
    file.write_text('{}')
    with outputs_guarded(), raises(OutputError, 'did not write', path=file) as caught:
        check_replaceable(file)
    assert '{force}' in caught.value.advice[1]
    with outputs_guarded(may_replace=True):
        check_replaceable(file)
    check_replaceable(file)  # outside of a command nobody knows
    (tmp_path / 'empty').touch()
    file.write_bytes(b'.' * 200_000 + MARK)
    with outputs_guarded():
        for path in (file, tmp_path / 'empty', tmp_path / 'new', tmp_path, '/dev/null'):
            check_replaceable(path)


def test_a_probe_follows_no_link(tmp_path, monkeypatch):
    """Whatever names somebody foresees."""
    victim, folder = tmp_path / 'victim', tmp_path / 'shared'
    folder.mkdir()
    victim.write_text('precious')
    before = victim.stat().st_mtime_ns
    monkeypatch.setattr('cpose.files.atomic.uuid4', lambda: type('Known', (), {'hex': 'a' * 32}))
    for name in ('.a.writable', f'.a.{"a" * 8}.writable', f'.a.{"a" * 8}.unfinished'):
        (folder / name).symlink_to(victim)
    with pytest.raises(FileExistsError):
        try_folder(folder, 'a')
    with pytest.raises(OutputError):
        write_text_atomic(folder / 'a', 'text')
    assert victim.read_text() == 'precious'
    assert victim.stat().st_mtime_ns == before


def hold(folder, ready, end):
    with folder_held(folder):
        ready.set()
        end.wait()


def test_a_folder_has_one_run(tmp_path):
    context = multiprocessing.get_context('spawn')
    ready, end = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready, end))
    process.start()
    assert ready.wait(60)
    with raises(OutputError, f'process {process.pid} on', argument='work_dir', path=tmp_path):
        folder_held(tmp_path).__enter__()
    end.set()
    process.join()
    with folder_held(tmp_path), pytest.raises(OutputError):
        folder_held(tmp_path).__enter__()
    with folder_held(tmp_path):
        pass


def test_a_killed_run_holds_nothing(tmp_path):
    """Nor do processes that it forked and that live on."""
    context = multiprocessing.get_context('spawn')
    ready, end = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready, end))
    process.start()
    assert ready.wait(60)
    process.kill()
    process.join()
    with folder_held(tmp_path):
        pass


def test_a_lock_that_is_a_link(tmp_path):
    victim, folder = tmp_path / 'victim', tmp_path / 'run'
    folder.mkdir()
    victim.write_text('precious')
    (folder / LOCK_NAME).symlink_to(victim)
    with raises(OutputError, path=folder / LOCK_NAME):
        folder_held(folder).__enter__()
    assert victim.read_text() == 'precious'


def test_a_run_may_write_its_own_files_again_where_data_lie(tmp_path):
    """A training in the folder of its pictures saves one checkpoint after another."""
    for name in ('photo.jpg', 'epoch_1.pth', 'last_checkpoint'):
        (tmp_path / name).write_bytes(b'earlier')
    with outputs_guarded():
        note_input(tmp_path)
        for _ in range(2):
            for name in ('scalars.json', 'epoch_1.pth', 'last_checkpoint'):
                write_text_atomic(tmp_path / name, 'output')
        with raises(OutputError, 'never replaces an input', path=tmp_path / 'photo.jpg'):
            write_text_atomic(tmp_path / 'photo.jpg', 'output')
    with outputs_guarded():
        note_input(tmp_path)
        with raises(OutputError, 'never replaces an input', path=tmp_path / 'scalars.json'):
            write_text_atomic(tmp_path / 'scalars.json', 'output')


def test_outputs_lie_outside(tmp_path):
    (tmp_path / 'data').mkdir()
    check_outside(tmp_path / 'out', tmp_path / 'data')
    for out in (tmp_path / 'data', tmp_path / 'data' / 'below' / 'out'):
        with raises(OutputError, 'lies in', argument='out', path=out):
            check_outside(out, tmp_path / 'others', tmp_path / 'data')
