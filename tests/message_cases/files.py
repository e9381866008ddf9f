"""Files that cannot be read or written."""

import os

import pytest

from cpose.apis.metafile import read_metafile
from cpose.files import download
from cpose.files.encrypted_file import read_model_bytes
from cpose.files.encryption_key import KEY_FILE_VARIABLE, KEY_VARIABLE, current_key
from cpose.files.json_files import JsonFields, check_writable, write_json
from cpose.files.model_files import check_new_file
from cpose.files.text_files import read_json, read_text
from cpose.files.user_cache import CACHE_VARIABLE, check_sha256
from cpose.files.weight_files import find_weights


def in_environment(**variables):
    def run(folder):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            current_key()

    return run


def with_file(content, call):
    def run(folder):
        file = folder / 'a.json'
        file.write_bytes(content)
        call(file)

    return run


def fields(**content):
    return JsonFields(content, 'a.json', 'objects[2].')


def wrong_checksum(folder):
    (folder / 'a.pth').write_bytes(b'a')
    check_sha256(folder / 'a.pth', '0' * 64, 'https://a.org/a.pth')


def download_into(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        patch.setattr(download, 'why_unreachable', lambda url: 'no route to host')
        find_weights('https://a.org/a.pth')


def metafile(text):
    def run(folder):
        (folder / 'metafile.yml').write_text(text)
        read_metafile(folder / 'metafile.yml')

    return run


CASES = {
    'download with another checksum': wrong_checksum,
    'download without a network': download_into,
    'repository without an owner': lambda folder: find_weights('hf:name'),
    'metafile without models': metafile('Models: 3'),
    'metafile that is no YAML': metafile('a: ['),
    'metafile with an unknown key': metafile('Models: [{Name: cup, Metadata: {}, Licence: MIT}]'),
    'metafile that lacks facts': metafile('Models: [{Name: cup, Metadata: {}, Weights: cup.pth}]'),
    'metafile with figures from nowhere': metafile('Models: [{Name: a, Metadata: {}, Speed: []}]'),
    'json that is missing': lambda folder: read_json(folder / 'a.json'),
    'json that is nested too deeply': with_file(b'[' * 100_000, read_json),
    'text that is none': with_file('Größe'.encode('latin-1'), read_text),
    'text that is too long': with_file(b'12345', lambda file: read_text(file, 4)),
    'json into a folder': lambda folder: write_json(folder, {}),
    'result below a file': with_file(b'', lambda file: check_writable(file / 'b.json')),
    'field that is missing': lambda folder: fields(size=1).value('scale'),
    'field with another shape': lambda folder: fields(scale=[1, 2]).array('scale', (3,)),
    'field with text': lambda folder: fields(scale=['1', '2', '3']).array('scale', (3,)),
    'field that is not finite': lambda folder: fields(scale=[float('nan')]).array('scale', (1,)),
    'field that is no object': lambda folder: JsonFields({'a': 7}, 'a.json').fields('a'),
    'field that is no list': lambda folder: fields(a=7).list_of_fields('a'),
    'file that is no object': lambda folder: JsonFields([], 'a.json'),
    'size that is no size': lambda folder: fields(width=0).positive_int('width'),
    'model that exists': with_file(b'', lambda file: check_new_file(file, may_replace=False)),
    'model that is a folder': lambda folder: check_new_file(folder, may_replace=True),
    'model in no folder': lambda folder: check_new_file(folder / 'x' / 'a', may_replace=True),
    'model that is missing': lambda folder: read_model_bytes(folder / 'a.pth'),
    'two keys': in_environment(**{KEY_VARIABLE: 'a', KEY_FILE_VARIABLE: 'b'}),
    'key in an empty file': in_environment(**{KEY_FILE_VARIABLE: os.devnull}),
    'key in a file that is missing': in_environment(**{KEY_FILE_VARIABLE: 'nowhere'}),
}
