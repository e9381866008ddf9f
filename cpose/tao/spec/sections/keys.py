"""What all sections share: how a key is declared, and the types of its values."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError


def key(
    default: Any,
    meaning: str,
    difference: str = '',
    only_because: str = '',
    automl: bool = False,
    **limits: Any,
) -> Any:
    """Declare a key.

    Args:
        default: Value if the spec does not give it.
        meaning: What it does here; the description in schema and documentation.
        difference: Where this departs from TAO, or where TAO's sources disagree.
        only_because: Why no other value than the default can apply; others are refused with it.
        automl: Whether AutoML tunes it unless told otherwise.
        **limits: ``ge``, ``gt``, ``le``, ``lt``, ``multiple_of``, ``alias`` of pydantic.
    """
    extra: dict[str, Any] = {'difference': difference} if difference else {}
    if only_because:
        extra.update({'const': default, 'only_because': only_because})
    if automl:
        extra['automl_enabled'] = True
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


def _refuse_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError('bool', 'is true or false, not a number')
    return value


def _none_to_empty(value: Any) -> Any:
    return '' if value is None else value


def _one_to_list(value: Any) -> Any:
    return [value] if isinstance(value, str) and value else value


def _refuse_others_than_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError('no_text', 'is no text')
    return value


Whole = Annotated[int, BeforeValidator(_refuse_bool)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_refuse_bool)]
Positive = Annotated[int, Field(ge=1), BeforeValidator(_refuse_bool)]
NotNegative = Annotated[int, Field(ge=0), BeforeValidator(_refuse_bool)]
Text = Annotated[str, BeforeValidator(_none_to_empty)]
"""``null`` is the empty text, as specs write both for "not set"."""
Secret = Annotated[
    str,
    BeforeValidator(_refuse_others_than_text),
    BeforeValidator(_none_to_empty),
    Field(json_schema_extra={'writeOnly': True}),
]
"""A text that nothing shows. Numbers are refused, as YAML reads ``0123`` as 83."""


def _one_or_several(kind: Any) -> Any:
    """Return the type of one value, or of a list of one for each category."""
    adapter = TypeAdapter(kind, config=ConfigDict(coerce_numbers_to_str=True))

    def read(value: Any) -> Any:
        items = value if isinstance(value, list) else [value]
        try:
            found = [adapter.validate_python(item) for item in items]
        except ValidationError as error:
            raise PydanticCustomError('no_value', 'is of another kind') from error
        if not found:
            raise PydanticCustomError('no_value', 'is empty')
        return found[0] if len(found) == 1 else found

    one = adapter.json_schema()
    several = {'type': 'array', 'items': one}
    return Annotated[Any, BeforeValidator(read), WithJsonSchema({'anyOf': [one, several]})]


TextOfCategories = _one_or_several(Text)
"""A text, or a list of one for each category."""
PositiveOfCategories = _one_or_several(Positive)
"""A whole number from 1, or a list of one for each category."""
Texts = Annotated[list[Text], BeforeValidator(_one_to_list)]
"""Several texts; one text stands for a list of one, as specs write both."""


class Section(BaseModel):
    """A section of a spec: known keys only."""

    model_config = ConfigDict(
        extra='forbid',
        frozen=True,
        populate_by_name=True,
        protected_namespaces=(),
        coerce_numbers_to_str=True,
        validate_default=False,
    )

    @model_validator(mode='before')
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        """Take a section without any key (``null`` in YAML) as all defaults."""
        return {} if value is None else value

    @field_validator('*', mode='after')
    @classmethod
    def _only_value(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse another value where only one can apply."""
        extra = cls.model_fields[str(info.field_name)].json_schema_extra
        if isinstance(extra, dict) and 'const' in extra and value != extra['const']:
            raise PydanticCustomError('only_value', str(extra['only_because']))
        return value


MOST_GPUS = 1024
"""No machine has more."""
GpuIds = Annotated[list[NotNegative], Field(min_length=1)]


def num_gpus(only_one: str = '') -> Any:
    """Declare ``num_gpus``.

    Args:
        only_one: Why no more than one of them can be used.
    """
    return key(
        1,
        only_one or 'GPUs, one process each; without any GPU the CPU takes the place of one.',
        'If it and gpu_ids disagree, what means more GPUs counts, unless one is on the command '
        'line: then that one.',
        ge=1,
        le=MOST_GPUS,
    )


def gpu_ids() -> Any:
    """Declare ``gpu_ids``."""
    return key([0], 'Which GPUs.')


def num_nodes() -> Any:
    """Declare ``num_nodes``."""
    return key(
        1,
        'Machines.',
        only_because=(
            'several machines are started with torchrun or Slurm on each: write the config with '
            '"cpose tao to-config" and use "cpose train --launcher pytorch"'
        ),
    )
