import json

import pytest
import torch
from torch.testing import assert_close
from training_kit import train_tiny

from artgan.errors import CheckpointError, PathError
from artgan.latents import draw
from artgan.models import find_weights, open_model, pack, tables_of
from artgan.registry import Registry

REGISTRY = Registry(entry_points=[])


@pytest.fixture
def run(tmp_path):
    return train_tiny(tmp_path).run


def open_(ref, run):
    return open_model(str(ref), runs=run.path.parent, device="cpu", components=REGISTRY)


def pictures(model):
    z = draw([0, 5], model.generator.z_dim, model.prior)
    return model.generator.render(model.generator.codes(z))[-1]


def test_a_run_opens_by_path_number_and_latest(run):
    models = [open_(ref, run) for ref in (run.path, 1, "latest", "1@104", "latest@latest")]
    for model in models:
        assert model.label == "run 00001-dcgan-squares at 0.104 kimg"
        assert (model.size, model.channels, model.prior) == ((16, 16), 3, "gaussian")
        assert torch.equal(pictures(model), pictures(models[0]))
    assert models[0].origin == {
        "run_id": run.config()["run"]["id"],
        "arch": "dcgan",
        "cur_nimg": 104,
        "digest": find_weights("1", run.path.parent).digest,
    }
    assert not any(p.requires_grad for p in models[0].generator.parameters())
    assert not models[0].generator.training


def test_a_packed_run_draws_the_same_and_holds_no_path(run, tmp_path):
    path = tmp_path / "mine.artgan"
    weights = find_weights("1", run.path.parent)
    pack(weights, path, tables_of("1", run.path.parent))
    packed, original = open_(path, run), open_("1", run)
    assert_close(pictures(packed), pictures(original), rtol=0, atol=0)
    assert packed.origin == original.origin
    assert packed.label == "mine.artgan at 0.104 kimg"
    assert str(tmp_path).encode() not in path.read_bytes()
    with pytest.raises(CheckpointError, match="is packed already"):
        tables_of(str(path), run.path.parent)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_a_damaged_packed_run_is_refused(run, tmp_path, place):
    path = tmp_path / "mine.artgan"
    pack(find_weights("1", run.path.parent), path, tables_of("1", run.path.parent))
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 4
    path.write_bytes(data)
    with pytest.raises(CheckpointError):
        find_weights(str(path), run.path.parent)


def test_foreign_files_are_refused(run, tmp_path):
    path = tmp_path / "x.artgan"
    for content, message in (
        (b"hello", "is no packed run: expected a file made by 'artgan pack'"),
        (b"PK\x03\x04", "which can run code when read"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            find_weights(str(path), run.path.parent)


def test_a_number_of_pictures_chooses_the_checkpoint(run):
    with pytest.raises(CheckpointError) as error:
        find_weights("1@7", run.path.parent)
    assert str(error.value) == "run 00001-dcgan-squares has no checkpoint 7: there are 0, 104"
    with pytest.raises(PathError, match="no run 9 in"):
        find_weights("9", run.path.parent)


def test_a_missing_plugin_is_named(run):
    generation = next(run.checkpoints.iterdir())
    state = json.loads((generation / "state.json").read_text())
    assert state["plugins"]["architectures.dcgan"].startswith("artgan ")
    text = (run.path / "config.toml").read_text()
    (run.path / "config.toml").write_text(text.replace('"dcgan"', '"lost"'))
    with pytest.raises(CheckpointError) as error:
        open_("1", run)
    assert str(error.value).startswith(
        "run 00001-dcgan-squares needs what is not here: no architecture 'lost'"
    )


def test_weights_of_another_width_are_refused(run):
    text = (run.path / "config.toml").read_text()
    (run.path / "config.toml").write_text(text.replace("base_channels = 4", "base_channels = 5"))
    with pytest.raises(CheckpointError, match=r"tensor .* is torch.float32 .*, expected torch"):
        open_("1", run)


FACTS = {"config": {"train": {}}, "run_id": "1", "cur_nimg": 1, "plugins": {}}


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        *(({key: None}, key) for key in FACTS),
        ({"cur_nimg": "many"}, "cur_nimg"),
        ({"config": {"train": 3}}, "config.train"),
    ],
)
def test_a_foreign_file_that_lacks_facts_is_one_sentence(run, tmp_path, changes, lacking):
    from safetensors.torch import save

    from artgan.checkpoints import digest, tensor_bytes

    tensors = {"w": torch.zeros(2)}
    facts = {**FACTS, **changes, "format": 1, "digest": digest(tensor_bytes(tensors))}
    path = tmp_path / "x.artgan"
    path.write_bytes(save(tensors, {"artgan": json.dumps(facts)}))
    with pytest.raises(CheckpointError, match=f"lacks what 'artgan pack' writes: '{lacking}'"):
        find_weights(str(path), run.path.parent)
