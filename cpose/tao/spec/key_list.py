"""All keys of the spec in one flat table, made from the definitions.

Schema, documentation, error messages and tests read this table.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cpose.tao.spec.sections.experiment import Experiment

FILE_FACTS = (
    'model.',
    'dataset.category',
    'dataset.num_symmetry',
    'dataset.num_classes',
    'dataset.mean',
    'dataset.std',
    'dataset.center_3D',
    'dataset.use_absolute_scale',
    'dataset.hps_uncertainty',
    'dataset.obj_scale_uncertainty',
    'dataset.input_res',
    'dataset.output_res',
    'train.loss_config.',
    'evaluate.eval_num_symmetry',
    'inference.visualization_threshold',
    'inference.num_select',
    'inference.axis_size',
    'export.input_width',
    'export.input_height',
    'export.num_select',
    'gen_trt_engine.input_width',
    'gen_trt_engine.input_height',
)
"""Beginnings of keys that a model file knows: where a spec does not give them, those of the file
hold in the tasks that use one."""
ANNOTATIONS = ('difference', 'only_because', 'automl_enabled')


@cache
def experiment_schema() -> dict[str, Any]:
    """Return the JSON Schema of a whole spec, without references."""
    schema = Experiment.model_json_schema(by_alias=True)
    definitions = schema.pop('$defs', {})
    expanded: dict[str, Any] = _expand(schema, definitions)
    return expanded


@cache
def spec_keys() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every key, by dotted key, in the order of the definitions."""
    return dict(_leaves(experiment_schema(), ''))


@cache
def section_keys() -> frozenset[str]:
    """Return the dotted names of all sections."""
    names = [name.split('.')[:-1] for name in spec_keys()]
    return frozenset('.'.join(parts[:end]) for parts in names for end in range(1, len(parts) + 1))


def default_values() -> dict[str, Any]:
    """Return a spec of defaults as nested dicts."""
    return Experiment().model_dump(by_alias=True)


def flatten(values: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Yield the values of a nested spec by dotted key; a section in place of a key as it is."""
    for name, value in values.items():
        dotted = f'{prefix}{name}'
        if isinstance(value, Mapping) and dotted not in spec_keys():
            yield from flatten(value, f'{dotted}.')
        else:
            yield dotted, value


def without_file_facts(
    values: Mapping[str, Any], is_kept: Callable[[str], bool] = lambda key: False
) -> dict[str, Any]:
    """Return a nested spec without what a model file knows of itself.

    Args:
        values: The spec.
        is_kept: Whether a dotted key stays all the same.
    """
    kept: dict[str, Any] = {
        name: {} for name, value in values.items() if isinstance(value, Mapping)
    }
    for dotted, value in flatten(values):
        if dotted.startswith(FILE_FACTS) and not is_kept(dotted):
            continue
        *sections, name = dotted.split('.')
        node = kept
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return kept


def describe_allowed(schema: Mapping[str, Any]) -> str:
    """Say in words which values a key takes."""
    if 'const' in schema:
        return _word(schema['const'])
    if 'enum' in schema:
        return f'one of {", ".join(map(_word, schema["enum"]))}'
    if 'anyOf' in schema:
        return ' or '.join(map(describe_allowed, schema['anyOf']))
    if schema.get('type') == 'array':
        low, high = schema.get('minItems'), schema.get('maxItems')
        count = f' of {low}' if low is not None and low == high else ' of at least 1' if low else ''
        return f'a list{count}, each {describe_allowed(schema["items"])}'
    if 'writeOnly' in schema:
        return 'a text, numbers in quotes'
    return KINDS[schema.get('type', 'object')] + _describe_range(schema)


KINDS = {
    'integer': 'a whole number',
    'number': 'a number',
    'boolean': 'true or false',
    'string': 'a text',
    'object': 'a section of keys',
    'null': 'null',
}


def _describe_range(schema: Mapping[str, Any]) -> str:
    parts = []
    if 'minimum' in schema:
        parts.append(f'from {schema["minimum"]:g}')
    if 'exclusiveMinimum' in schema:
        parts.append(f'above {schema["exclusiveMinimum"]:g}')
    if 'maximum' in schema:
        parts.append(f'to {schema["maximum"]:g}')
    if 'multipleOf' in schema:
        parts.append(f'in steps of {schema["multipleOf"]:g}')
    return ''.join(f' {part}' for part in parts)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == '' else str(value)


def _leaves(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema['properties'].items():
        if 'properties' in child:
            yield from _leaves(child, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', child


def _expand(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Replace references by what they refer to, and drop pydantic's titles."""
    if isinstance(node, list):
        return [_expand(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if '$ref' in node:
        target = definitions[node['$ref'].rpartition('/')[2]]
        node = {**target, **{key: value for key, value in node.items() if key != '$ref'}}
    kept = {key: value for key, value in node.items() if not _is_title(key, value)}
    if 'properties' in kept:
        kept['properties'] = {
            name: _expand(child, definitions) for name, child in node['properties'].items()
        }
    rest = {key: _expand(value, definitions) for key, value in kept.items() if key != 'properties'}
    return {**rest, **({'properties': kept['properties']} if 'properties' in kept else {})}


def _is_title(key: str, value: Any) -> bool:
    return key == 'title' and isinstance(value, str)
