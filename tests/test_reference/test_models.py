"""Networks against outputs of the reference on seeded weights and inputs."""

import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.models.checkpoint_keys import convert, detect_family
from cpose.structures.previous_frame import PREVIOUS_CHANNELS

from .reference_models import build_config, own_stages

TOLERANCE = 5e-5  # of a head's standard deviation; the reference itself varies by 1.1e-5


def find_cases(root):
    files = {path.stem: path for path in sorted(root.glob('*.json'))}
    return {name: path for name, path in files.items() if 'state_dict' in _read_json(path)}


def _read_json(path):
    content = json.loads(path.read_text())
    return content if isinstance(content, dict) else {}


def load_seeding(root):
    spec = importlib.util.spec_from_file_location('seeding', root / 'seeding.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_network(case, reference_dir):
    """One test per network, because loading takes most of the time."""
    network = _load_network(case, load_seeding(reference_dir))
    check_parameter_count(network)
    check_outputs(network)
    check_stages(network)
    check_untrained_values(network)
    check_initial_spread(network)


def _load_network(path, seeding):
    facts = _read_json(path)
    shapes = {key: shape for key, shape, _ in facts['state_dict']}
    dtypes = {key: getattr(torch, dtype) for key, _, dtype in facts['state_dict']}
    arrays = seeding.seeded_state_dict(shapes, salt=facts['salt'])
    weights = {key: torch.from_numpy(value).to(dtypes[key]) for key, value in arrays.items()}
    model = build_model({'model': build_config(facts)})
    untrained = {name: value.clone() for name, value in model.state_dict().items()}
    family = detect_family(weights)
    model.load_state_dict(convert(weights, family), strict=True)
    return SimpleNamespace(
        model=model, facts=facts, untrained=untrained, arrays=np.load(path.with_suffix('.npz'))
    )


def check_parameter_count(network):
    count = sum(parameter.numel() for parameter in network.model.parameters())
    facts = network.facts
    if 'elements_without_effect' in facts:
        assert count == facts['parameters'] - facts['elements_without_effect']


def inputs_of(network, case):
    """Return the image, with what is known of the frame before behind it, if anything."""
    names = ['input', *PREVIOUS_CHANNELS]
    arrays = [network.arrays.get(f'{case}.{name}') for name in names]
    return torch.cat([torch.from_numpy(array) for array in arrays if array is not None], dim=1)


def check_outputs(network):
    cases = sorted({name.split('.')[0] for name in network.arrays if '.out.' in name})
    assert cases
    for case in cases:
        images = inputs_of(network, case)
        with torch.inference_mode():
            maps = network.model(images, mode='tensor')
        assert set(maps) == {name for name, _ in network.facts['outputs']}
        for name, value in maps.items():
            expected = network.arrays[f'{case}.out.{name}']
            difference = np.abs(value.numpy() - expected).max() / expected.std()
            assert difference < TOLERANCE, f'{case}.{name}'


def check_stages(network):
    arrays, facts = network.arrays, network.facts
    for case in {name.split('.')[0] for name in arrays if name.endswith('.stage_probe')}:
        stages = own_stages(network.model, inputs_of(network, case))
        compared = 0
        for number, (name, shape) in enumerate(facts['stages']):
            if name not in stages:
                continue
            stage = stages[name].numpy()
            scale = arrays[f'{case}.stage_std'][number]
            probe = stage[0, :8, stage.shape[2] // 2, stage.shape[3] // 2]
            expected = arrays[f'{case}.stage_probe'][number]
            assert list(stage.shape) == shape
            assert np.abs(probe - expected).max() < TOLERANCE * scale, name
            assert abs(stage.mean() - arrays[f'{case}.stage_mean'][number]) < TOLERANCE * scale
            assert abs(stage.std() - scale) < TOLERANCE * scale, name
            compared += 1
        assert compared == len(facts['stages'])


def check_untrained_values(network):
    facts, own = network.facts['untrained_values'], network.untrained
    kernels = {value.shape[-1]: value for name, value in own.items() if 'upsample' in name}
    checked = set()
    for name, expected in facts.items():
        if name.startswith('upsample_x'):
            kernel = kernels[len(expected)][0, 0]
            profile = torch.tensor(expected)
            assert torch.equal(kernel, profile[:, None] * profile)
            checked.add(name)
    for branch, bias in facts['head_final_bias'].items():
        assert torch.allclose(own[f'head.branches.outputs.{branch}.out.bias'], torch.tensor(bias))
    for branch, is_zero in facts['head_first_bias_all_zero'].items():
        hidden = own[f'head.branches.outputs.{branch}.hidden.bias']
        assert bool((hidden == 0).all()) is is_zero
    scales = {
        'convnext_layer_scale': 'backbone.stem.0.1.0.gamma',
        'block_layer_scale': 'backbone.blocks.0.gamma1',
        'temperature': 'backbone.blocks.0.channel_attn.temperature',
    }
    for name in scales.keys() & facts.keys():
        assert torch.allclose(own[scales[name]], torch.tensor(facts[name]))
    assert checked


def check_initial_spread(network):
    """The reference's values are one draw, so the spread may differ by a few per cent."""
    spreads = {
        name.removeprefix('std '): value
        for name, value in network.facts['untrained_values'].items()
        if name.startswith('std ') and not name.endswith('cls_token')
    }
    shapes = {key: shape for key, shape, _ in network.facts['state_dict']}
    for key, expected in spreads.items():
        full = {name: torch.zeros(shape) for name, shape in shapes.items()}
        renamed = convert({key: full[key]}, detect_family(full))
        (own_name,) = renamed
        assert network.untrained[own_name].std().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (('a.weight', (2, 2)), [0.1861033, 0.8257362, 0.1463852, 1.498643]),
        (('a.weight', (2, 2), None, 'other'), [0.4361612, 0.5069129, -0.9268882, 0.130346]),
        (('a.bias', (3,)), [-0.01074034, 0.03369763, 0.03220011]),
        (('bn.running_var', (3,)), [1.161499, 1.108606, 1.240857]),
        (('x.up_1.weight', (1, 1, 1, 3)), [0.2063458, -0.03408439, -0.0605791]),
    ],
)
def test_seeding(arguments, expected, reference_dir):
    values = load_seeding(reference_dir).seeded_array(*arguments)
    assert np.allclose(values.ravel(), expected, atol=1e-6)
