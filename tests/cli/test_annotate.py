import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest

from cpose.cli.main import build_parser
from cpose.errors import ConfigError, DataError

from ..user_errors import raises


def run(*words):
    args = build_parser(['annotate']).parse_args(['annotate', *map(str, words)])
    return args.func(args)


@pytest.mark.slow
def test_prints_its_address_serves_and_ends_with_ctrl_c(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    words = [*('annotate', str(tmp_path)), '--no-browser', *('--port', '0')]
    command = [sys.executable, '-m', 'cpose.cli.main', *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline()
        address = re.search(r'http://127\.0\.0\.1:\d+/', line)[0]
        page = urllib.request.urlopen(re.search(r'http\S+', line)[0]).read()
        assert b'cpose annotate' in page
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address)
        assert caught.value.code == 403
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    assert line.startswith('1 pictures')


def test_wrong_words(tmp_path):
    with raises(DataError, argument='data_root'):
        run(tmp_path, '--no-browser')
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    with raises(ConfigError, argument='camera'):
        run(tmp_path, '--no-browser', '--camera', 'wide')
    with raises(ConfigError, argument='port'):
        run(tmp_path, '--no-browser', '--port', 70000)
