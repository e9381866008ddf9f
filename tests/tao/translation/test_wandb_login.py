import pytest

from cpose.errors import MissingDependencyError
from cpose.tao.translation import training_part as wandb_login
from cpose.tao.translation.training_part import has_login, wandb_backend

from ...user_errors import raises
from ..specs import make_spec


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('WANDB_API_KEY', raising=False)
    return tmp_path


def log_in(home):
    file = home / '.netrc'
    file.write_text('machine api.wandb.ai login user password x\n')
    file.chmod(0o600)


def test_login_by_file_or_variable(home, monkeypatch):
    assert not has_login()
    log_in(home)
    assert has_login()
    (home / '.netrc').write_text('machine other login user password x\n')
    assert not has_login()
    (home / '.netrc').write_text('broken')
    assert not has_login()
    monkeypatch.setenv('WANDB_API_KEY', 'x')
    assert has_login()


def test_nothing_without_login_or_switched_off(home):
    assert wandb_backend(make_spec(home)) == []
    log_in(home)
    assert wandb_backend(make_spec(home, 'wandb.enable=false')) == []


def test_missing_package(home, monkeypatch):
    log_in(home)
    monkeypatch.setattr(wandb_login, 'find_spec', lambda name: None)
    with raises(MissingDependencyError, 'wandb', spec_key='wandb.enable', value=True) as caught:
        wandb_backend(make_spec(home))
    assert 'pip install wandb' in caught.value.advice[0]
    assert 'wandb.enable=false' in caught.value.advice[1]


def test_arguments_are_those_of_wandb(home, monkeypatch):
    log_in(home)
    monkeypatch.setattr(wandb_login, 'find_spec', lambda name: True)
    (backend,) = wandb_backend(make_spec(home, 'wandb.run_id=r'))
    assert backend['type'] == 'WandbVisBackend'
    assert backend['init_kwargs'] == {
        'project': 'TAO Toolkit',
        'entity': None,
        'group': None,
        'tags': ['tao-toolkit'],
        'reinit': False,
        'sync_tensorboard': False,
        'save_code': False,
        'name': 'TAO Toolkit Training',
        'id': 'r',
        'resume': 'allow',
    }
