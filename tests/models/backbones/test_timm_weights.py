"""Downloads of timm: told in one line within seconds where there is no network."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import timm
from huggingface_hub import constants
from safetensors.torch import save_file

from cpose.errors import CheckpointError, ConfigError
from cpose.models.backbones import timm_backbone
from cpose.models.backbones.timm_backbone import DLA34, TimmBackbone

from ...user_errors import raises


class Refusal(BaseHTTPRequestHandler):
    """A server that has no files."""

    def do_HEAD(self):
        self.send_error(404)

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, *message):
        pass


@pytest.fixture
def server():
    with HTTPServer(('127.0.0.1', 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.fixture
def closed_port():
    with socket.socket() as reserved:
        reserved.bind(('127.0.0.1', 0))
        yield f'http://127.0.0.1:{reserved.getsockname()[1]}'


@pytest.fixture(autouse=True)
def _no_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def use(monkeypatch, url):
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    monkeypatch.setattr(constants, 'ENDPOINT', url)


@pytest.mark.parametrize(
    'build', [DLA34, lambda **options: TimmBackbone('mobilenetv4_conv_small', **options)]
)
def test_no_network(monkeypatch, closed_port, build):
    use(monkeypatch, closed_port)
    start = time.monotonic()
    with raises(CheckpointError, closed_port, argument='pretrained', value=True) as told:
        build(pretrained=True)
    assert time.monotonic() - start < timm_backbone.TIMEOUT
    assert '\n' not in str(told.value)
    assert '{pretrained_path}' in str(told.value.advice)


def test_a_server_without_the_file(monkeypatch, server):
    use(monkeypatch, server)
    with raises(CheckpointError, 'dla34', argument='pretrained') as told:
        DLA34(pretrained=True)
    assert '\n' not in str(told.value)


def test_offline_by_choice(monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    with raises(CheckpointError, 'HF_HUB_OFFLINE', argument='pretrained'):
        DLA34(pretrained=True)


def test_the_cache_needs_no_network(monkeypatch, closed_port, tmp_path):
    use(monkeypatch, closed_port)
    folder = tmp_path / 'cache' / 'models--timm--dla34.in1k'
    (folder / 'refs').mkdir(parents=True)
    (folder / 'refs' / 'main').write_text('0' * 40)
    (folder / 'snapshots' / ('0' * 40)).mkdir(parents=True)
    weights = timm.create_model('dla34').state_dict()
    save_file(weights, folder / 'snapshots' / ('0' * 40) / 'model.safetensors')
    own = DLA34(pretrained=True).features.state_dict()
    assert all(value.equal(weights[key]) for key, value in own.items())


def test_models_without_weights():
    with raises(ConfigError, "'efficientnet_b8'", argument='pretrained'):
        TimmBackbone('efficientnet_b8', pretrained=True)
