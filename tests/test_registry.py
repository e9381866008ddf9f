import pytest
from mmengine.registry import Registry

from cpose import registry


def test_all_are_children_under_one_scope():
    found = [value for value in vars(registry).values() if isinstance(value, Registry)]
    own = [value for value in found if value.scope == 'cpose']
    assert len(own) > 10
    assert len({value.name for value in own}) == len(own)


def test_names_of_mmengine_are_found_from_here():
    assert registry.HOOKS.get('LoggerHook').__name__ == 'LoggerHook'
    assert registry.MODELS.get('DLA34').__module__ == 'cpose.models.backbones.timm_backbone'


@pytest.mark.parametrize('text', ['', '.', '../../etc/passwd', '..PlainConv', 'a b', '💥'])
def test_texts_that_are_no_names_name_nothing(text):
    for found in registry.all_registries():
        if isinstance(found, registry.NameRegistry):
            assert found.get(text) is None
