import codecs
import os

import pytest
import yaml

from cpose.errors import ConfigError, DataError
from cpose.files.text_files import MOST_VALUES, parse_yaml, read_bytes, read_json, read_text

from ..user_errors import raises

ENCODINGS = {
    'utf-8': b'',
    'utf-8 with mark': codecs.BOM_UTF8,
    'utf-16-le': codecs.BOM_UTF16_LE,
    'utf-16-be': codecs.BOM_UTF16_BE,
    'utf-32-le': codecs.BOM_UTF32_LE,
    'utf-32-be': codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('has_mark', [True, False])
def test_encodings(tmp_path, encoding, has_mark):
    text = '{"a": "Größe ω"}\r\n'
    mark = ENCODINGS[encoding] if has_mark else b''
    path = tmp_path / 'a.json'
    path.write_bytes(mark + text.encode(encoding.partition(' ')[0]))
    assert read_text(path) == text
    assert read_json(path) == {'a': 'Größe ω'}


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_bytes('Größe'.encode('latin-1'))
    with raises(ConfigError, 'byte 2', path=path):
        read_text(path, kind=ConfigError)


def test_length(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_bytes(b'12345')
    assert read_bytes(path, 5) == read_bytes(path) == b'12345'
    with raises(DataError, '4 bytes', path=path):
        read_bytes(path, 4)


def test_what_may_never_end(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    for path in ('/dev/zero', tmp_path / 'pipe'):
        with raises(DataError, 'device', path=path):
            read_bytes(path, 99)


def test_pipe(tmp_path):
    reader, writer = os.pipe()
    os.write(writer, b'{"a": 1}')
    os.close(writer)
    assert read_json(f'/dev/fd/{reader}', 100) == {'a': 1}
    os.close(reader)


@pytest.mark.parametrize('content', ['{"a": [1, 2', '[' * 200_000, '9' * 5000])
def test_no_json(tmp_path, content):
    path = tmp_path / 'a.json'
    path.write_text(content)
    with raises(DataError, path=path):
        read_json(path)


def test_first_document():
    assert parse_yaml('a: 1\n---\nb: 2\n') == {'a': 1}
    assert parse_yaml('') is None


BOMB = '\n'.join(
    ['a0: &a0 [1]', *(f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 9))]
)
MERGES = '\n'.join(
    [
        'a0: &a0 {x: 1}',
        *(f'a{n}: &a{n} {{<<: [{", ".join([f"*a{n - 1}"] * 10)}]}}' for n in range(1, 9)),
    ]
)


@pytest.mark.parametrize(
    'text',
    [
        *(BOMB, MERGES, 'a: &a [*a]', 'a: &a {b: *a}', '[' * 100_000, 'a: [1, 2', '9' * 5000),
        *('!!bool maybe', '!!int ""', '!!float x', '!!timestamp x', '!!python/name:os.system'),
        *('? [a]\n: b', f'a: [{"1," * MOST_VALUES}]', '#' * (2 << 20)),
    ],
    ids=lambda text: text[:20],
)
def test_no_yaml(text):
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


def test_aliases_within_reason():
    assert parse_yaml('a: &a [1, 2]\nb: [*a, *a]') == {'a': [1, 2], 'b': [[1, 2], [1, 2]]}
