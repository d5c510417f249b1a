import tomllib

import pytest
from helpers import ROOT
from pydantic import ValidationError

from artgan.flows.schema import CONFIGS, STAGES, file_model, json_schema, setting_names
from artgan.registry import Registry

EXAMPLES = sorted((ROOT / "examples" / "pipelines").glob("*.toml"))


@pytest.fixture(scope="module")
def components():
    return Registry(entry_points=())


def test_there_are_three_examples():
    assert [path.stem for path in EXAMPLES] == ["exhibition", "painted", "portraits"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_fit_the_model_that_the_schema_is_of(path, components):
    file_model(components).model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "tables",
    [
        {"walk": {"psii": 1}},
        {"walk": {"slow": {"psi": 2}}},
        {"train": {"a": {"size": 32}}},  # without pictures
        {"losses": {"gram": {"wieght": 1}}},
        {"wlak": {}},
        {"version": 2},
    ],
)
def test_the_model_refuses_what_does_not_fit(tables, components):
    with pytest.raises(ValidationError):
        file_model(components).model_validate(tables)


def test_stages_have_the_settings_of_their_commands_and_nothing_else():
    for kind, config in CONFIGS.items():
        own = set(config.model_fields) - {"components"}
        more = {"out"} if kind == "train" else {"from"}
        assert set(setting_names(kind)) == own | more
        for name in own - {"run", "images", "out"}:
            assert STAGES[kind].model_fields[name].description == (
                config.model_fields[name].description
            )


def test_the_schema_says_what_may_be_written(components):
    schema = json_schema(components)
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    table, stage = schema["$defs"]["WalkTable"], schema["$defs"]["WalkStage"]
    assert table["additionalProperties"] == {"$ref": "#/$defs/WalkStage"}
    assert stage["additionalProperties"] is False
    shown = stage["properties"]
    assert {"from", "keys", "psi"} < set(shown)
    assert "components" not in shown
    assert shown["keys"]["anyOf"][1]["type"] == "array"
    assert shown["grid"]["type"] == ["string", "number"]
    assert shown["seconds"]["minimum"] == 0
    assert shown["seconds"]["exclusiveMinimum"] is True  # a flag, in this draft
    assert "default" not in shown["bpm"]
    assert schema["$defs"]["TrainStage"]["required"] == ["images"]
    assert "required" not in schema["$defs"]["TrainTable"]
    assert "gram" in schema["$defs"]["Losses"]["properties"]
    assert "null" not in str(schema)
    assert "const" not in schema["properties"]["version"]
