"""The models of pipeline files, made of those of the commands; their JSON schema. No torch."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from artgan.api import KINDS
from artgan.config import TrainConfig
from artgan.options import Options
from artgan.pipelines.sample import SampleConfig
from artgan.stylesettings import StylizeConfig
from artgan.walksettings import WalkConfig

if TYPE_CHECKING:
    from artgan.registry import Registry

__all__ = [
    "CONFIGS",
    "STAGES",
    "TAKEN",
    "VERSION",
    "as_written",
    "file_model",
    "json_schema",
    "setting_names",
]

VERSION = 1
"""Of the form of pipeline files."""

CONFIGS: dict[str, type[Options]] = {
    "train": TrainConfig,
    "sample": SampleConfig,
    "walk": WalkConfig,
    "stylize": StylizeConfig,
}
"""Kind of stage -> the settings of its command."""

TAKEN = {"sample": "run", "walk": "run", "stylize": "images"}
"""The setting that says what a stage works on, where that does not come from another stage."""

_WHERE = {
    "train": "folder that run folders are made in; none given: runs",
    "sample": "folder, or a .png; none given: a folder called like the stage",
    "walk": "output, several from one rendering; none given: a .gif called like the stage, or "
    "nothing where other stages take its frames",
    "stylize": "folder, or a file for one picture or a walk; none given: called like the stage",
}

_JOINED = ("keys", "seeds")
"""Texts that are lists, 3,17,me.jpg, and may be written as such."""

_DRAFT = "http://json-schema.org/draft-04/schema#"
"""The one that Taplo knows, and with it the editors that use it."""

_TEXT: dict[str, Any] = {"type": ["string", "number"]}


# What a value may be written as ------------------------------------------------------------------


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield what a value may be, None left out."""
    if get_origin(annotation) in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    elif annotation is not type(None):
        yield annotation


def _form(info: FieldInfo) -> str:
    """Return how a setting is written: "words" (read by its model), "text", "list" or "plain"."""
    kinds = list(_alternatives(info.annotation))
    notes = [*info.metadata, *(note for kind in kinds for note in _notes(kind))]
    if any(isinstance(note, BeforeValidator) for note in notes):
        return "words"
    if str in kinds:
        return "text"
    return "list" if any(get_origin(kind) is tuple for kind in kinds) else "plain"


def _notes(kind: Any) -> tuple[Any, ...]:
    return get_args(kind)[1:] if get_origin(kind) is Annotated else ()


def as_written(model: type[BaseModel], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as their model takes them: a number for a text, and one alone for a list.

    >>> as_written(STAGES["walk"], {"keys": 3, "effects": "mirror", "fps": 12})
    {'keys': '3', 'effects': ['mirror'], 'fps': 12}
    """
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    return {
        name: _value(name, _form(fields[name]), value) if name in fields else value
        for name, value in table.items()
    }


def _value(name: str, form: str, value: Any) -> Any:
    if name in _JOINED and isinstance(value, list):
        return ",".join(map(str, value))
    if form == "text" and type(value) in (int, float):
        return str(value)
    if form == "list":
        each = value if isinstance(value, list | tuple) else [value]
        return [str(one) if type(one) in (int, float) else one for one in each]
    return value


# The models --------------------------------------------------------------------------------------


def _loosened(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Let a schema allow what `as_written` does, and leave out what has its own tables."""
    shown = schema["properties"]
    shown.pop("components", None)
    for name, info in model.model_fields.items():
        alias, form = info.alias or name, _form(info)
        if alias not in shown or form == "plain":
            continue
        kept = {key: shown[alias][key] for key in ("description", "default") if key in shown[alias]}
        if form == "list" or alias in _JOINED:
            shown[alias] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}], **kept}
        else:
            shown[alias] = {**_TEXT, **kept}


class _Written(BaseModel):
    """What stages have in common."""

    model_config = ConfigDict(json_schema_extra=_loosened)

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, table: Any) -> Any:
        return as_written(cls, table) if isinstance(table, dict) else table


def _stage(kind: str) -> type[BaseModel]:
    """Return the model of a stage: a command's settings, none of them needed but its own."""
    config = CONFIGS[kind]
    fields: dict[str, Any] = {}
    taken = TAKEN.get(kind)
    if taken is not None:
        info = config.model_fields[taken]
        what = f"{info.description}; none given: what the stage before makes"
        fields[taken] = (info.annotation | None, Field(None, description=what))  # type: ignore[operator]
        from_ = Field(None, alias="from", description="stage that it takes from, such as walk.slow")
        fields["from_"] = (str | None, from_)
    several = kind == "walk"
    place = tuple[str, ...] | None if several else str | None
    fields["out"] = (place, Field(None, min_length=1, description=_WHERE[kind]))
    model: type[BaseModel] = create_model(
        f"{kind.capitalize()}Stage", __base__=(_Written, config), __doc__=None, **fields
    )
    return model


STAGES: dict[str, type[BaseModel]] = {kind: _stage(kind) for kind in CONFIGS}
"""Kind of stage -> its settings, as they stand in a file."""


def setting_names(kind: str) -> list[str]:
    """Return the names of a stage's settings as they are written."""
    fields = STAGES[kind].model_fields
    return [info.alias or name for name, info in fields.items() if name != "components"]


def _table(kind: str) -> type[BaseModel]:
    """Return the model of `[KIND]`: a stage, or stages and what they share; all is optional."""
    stage = STAGES[kind]
    extra = types.new_class(
        f"{kind.capitalize()}Table",
        (stage,),
        exec_body=lambda space: space.update(
            __annotations__={"__pydantic_extra__": dict[str, stage]},  # type: ignore[valid-type]
            model_config=ConfigDict(extra="allow"),
            __module__=__name__,
        ),
    )
    needed = {
        name: (info.annotation | None, Field(None, description=info.description))  # type: ignore[operator]
        for name, info in stage.model_fields.items()
        if info.is_required()
    }
    fields: dict[str, Any] = needed
    model: type[BaseModel] = create_model(extra.__name__, __base__=extra, **fields)
    return model


def _options(kind: str, components: Registry) -> type[BaseModel]:
    """Return the model of the tables of a kind of component, `[KIND.NAME]`."""
    fields: dict[str, Any] = {}
    for entry in components.entries(kind):
        options = components.options_model(entry)
        if options is not None:
            name = entry.record.name
            safe_name = "of_" + re.sub(r"\W", "_", name)
            about = Field(None, alias=name, description=entry.record.summary)
            fields.setdefault(safe_name, (options | None, about))
    model: type[BaseModel] = create_model(
        kind.capitalize(), __config__=ConfigDict(extra="allow"), **fields
    )
    return model


def file_model(components: Registry) -> type[BaseModel]:
    """Return the model of a whole pipeline file, with the options of all components there are."""
    fields: dict[str, Any] = {
        "version": (Literal[1], Field(VERSION, description="of the form of this file")),
        "out": (
            str | None,
            Field(None, min_length=1, description="folder of results; none given: the file's name"),
        ),
    }
    for kind in STAGES:
        about = Field(None, description=f"what 'artgan {kind}' does, or several, as [{kind}.NAME]")
        fields[kind] = (_table(kind) | None, about)
    for kind in KINDS:
        about = Field(None, description=f"options of {kind}, as [{kind}.NAME]")
        fields[kind] = (_options(kind, components) | None, about)
    model: type[BaseModel] = create_model("Pipeline", __base__=Options, **fields)
    return model


# The schema --------------------------------------------------------------------------------------


def json_schema(components: Registry) -> dict[str, Any]:
    """Return the JSON schema (draft 4) of pipeline files, for editors."""
    schema: dict[str, Any] = _older(file_model(components).model_json_schema(by_alias=True))
    return {"$schema": _DRAFT, **schema}


def _older(value: Any) -> Any:
    """Return a schema in the words of draft 4; TOML has no null, so that goes too."""
    if isinstance(value, list):
        return [_older(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {
        key: _older(inner)
        for key, inner in value.items()
        if not (key == "default" and inner is None)
    }
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    for end in ("minimum", "maximum"):
        strict = f"exclusive{end.capitalize()}"
        if isinstance(found.get(strict), int | float) and not isinstance(found[strict], bool):
            found[end], found[strict] = found[strict], True
    if isinstance(found.get("anyOf"), list):
        some = [each for each in found["anyOf"] if each != {"type": "null"}]
        if len(some) == 1 and "$ref" not in some[0]:
            del found["anyOf"]
            found = {**some[0], **found}
        else:
            found["anyOf"] = some
    return found
