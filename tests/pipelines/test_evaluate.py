"""Evaluate: what is compared with what, floors, the sheet, refusals."""

import contextlib
import json

import pytest
import torch
from evaluate_kit import untrained_run
from fakes import fake_model
from PIL import Image
from torch.testing import assert_close
from training_kit import squares

from artgan.config import validate
from artgan.errors import ArtganError, ConfigError, ImageError, PathError, PluginError
from artgan.images import RECIPE_KEY, from_bytes, to_bytes
from artgan.latents import draw
from artgan.measuring import default_metrics
from artgan.models import find_weights, pack, tables_of
from artgan.pipelines import evaluate as module
from artgan.pipelines.evaluate import (
    EvaluateConfig,
    _meters,
    check_outputs,
    document,
    draw_fakes,
    draw_midpoints,
    evaluate_run,
)
from artgan.registry import Registry

REGISTRY = Registry(entry_points=())
QUICK = {"metrics": {"swd": {"patches": 4, "directions": 8}, "diversity": {"pairs": 20}}}


def config(run, **settings):
    table = {"run": str(getattr(run, "path", run)), "components": QUICK, **settings}
    return validate(EvaluateConfig, table, "")


def found(settings):
    """Return what is found, and what is noted on the way."""
    notes = []

    @contextlib.contextmanager
    def announce(what):
        yield lambda done, total: None

    return evaluate_run(settings, notes.append, announce, REGISTRY), notes


def test_every_metric_that_needs_no_package_has_its_figures_and_floors(tmp_path):
    run = untrained_run(tmp_path)
    result, notes = found(config(run))
    assert (result.run, result.cur_nimg, result.count) == ("00001-dcgan-squares", 2000, 6)
    metrics = {name.partition("/")[0] for name in result.figures}
    assert metrics == {"swd", "coverage", "diversity", "copying", "drift", "spectrum"}
    without = {name for name, figure in result.figures.items() if figure.floor is None}
    assert without == {"drift/drift", "copying/midpoint-ratio", "copying/midpoint-copies"}
    assert result.figures["swd/swd-16"].better == "low"
    assert result.figures["swd/swd"].value > result.figures["swd/swd"].floor
    assert result.figures["drift/drift"].value > 0
    assert notes == [
        "measuring run 00001-dcgan-squares at 2 kimg",
        "12 real pictures make two halves of 6",
        "drift is measured since 1 kimg",
    ]
    assert result.earlier == 1000


def test_same_call_same_figures_and_only_what_was_asked_for(tmp_path):
    run = untrained_run(tmp_path)
    settings = config(run, metrics=("swd",), count=4)
    (one, notes), (other, _) = found(settings), found(settings)
    assert one == other
    assert one.count == 4
    assert {name.partition("/")[0] for name in one.figures} == {"swd"}
    assert len(notes) == 1


def test_halves_of_the_reals_are_at_the_floor(tmp_path, monkeypatch):
    """Fakes that are the floor's reals have the floor's figures."""
    run = untrained_run(tmp_path)
    kept = []
    load = module.load_reals
    monkeypatch.setattr(module, "load_reals", lambda *a, **k: kept.append(load(*a, **k)) or kept[0])
    monkeypatch.setattr(module, "draw_fakes", lambda *a: kept[0].halves.others)
    result, _ = found(config(run, metrics=("swd", "coverage", "diversity", "spectrum")))
    for figure in result.figures.values():
        assert figure.value == figure.floor


def test_first_checkpoint_has_nothing_to_drift_from(tmp_path):
    run = untrained_run(tmp_path)
    result, notes = found(config(f"{run.path}@1000"))
    assert "'drift' is left out: it needs an earlier checkpoint" in notes
    assert result.cur_nimg == 1000
    with pytest.raises(ConfigError, match="nothing of what was asked for can be measured"):
        found(config(f"{run.path}@1000", metrics=("drift",)))


def test_other_pictures_may_be_given(tmp_path):
    run = untrained_run(tmp_path)
    others = squares(tmp_path / "others", 8, side=24)
    result, notes = found(config(run, images=str(others), metrics=("swd",)))
    assert result.count == 4
    assert "8 real pictures make two halves of 4" in notes
    assert not any("copies" in note for note in notes)


def test_copies_are_looked_for_among_what_the_run_learned_from(tmp_path, monkeypatch):
    run = untrained_run(tmp_path)
    learned = module._pictures(
        tmp_path / "squares",
        find_weights(str(run.path), tmp_path),
        lambda _: contextlib.nullcontext(),
    )
    copies = from_bytes(learned.batch([3, 7, 9, 11]))
    monkeypatch.setattr(module, "draw_fakes", lambda *a: copies)
    others = squares(tmp_path / "others", 8, side=24)
    sheet = tmp_path / "n.png"
    settings = config(run, images=str(others), metrics=("copying",), sheet=str(sheet))
    result, notes = found(settings)
    assert result.figures["copying/copies"].value == 1
    assert not any("copies" in note for note in notes)
    assert "3 (0.00)" in notes[-1] or "0 (0.00)" in notes[-1]
    (tmp_path / "squares").rename(tmp_path / "gone")
    _, notes = found(config(run, images=str(others), metrics=("copying",)))
    assert f"copies are looked for among {others}, not among what the run learned from" in notes


def test_midpoints_are_drawn_where_they_are_looked_at(tmp_path, monkeypatch):
    run = untrained_run(tmp_path)
    calls = []
    draw_some = module.draw_midpoints
    monkeypatch.setattr(module, "draw_midpoints", lambda *a: (calls.append(1), draw_some(*a))[1])
    found(config(run, metrics=("drift", "swd")))
    assert calls == []
    found(config(run, metrics=("copying",)))
    assert calls == [1]


def test_a_packed_file_needs_its_pictures_given(tmp_path):
    run = untrained_run(tmp_path)
    file = tmp_path / "mine.artgan"
    weights = find_weights(str(run.path), tmp_path)
    pack(weights, file, tables_of(str(run.path), tmp_path))
    with pytest.raises(ConfigError) as caught:
        found(config(file))
    assert str(caught.value) == (
        "mine.artgan at 2 kimg is packed without its pictures: give the folder: "
        f"artgan evaluate {file} DIR"
    )
    images = str(tmp_path / "squares")
    result, notes = found(config(file, images=images))
    assert result.run == "mine.artgan"
    assert "'drift' is left out: it needs an earlier checkpoint" in notes
    whole, _ = found(config(run))
    assert result.figures["swd/swd"] == whole.figures["swd/swd"]


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_alpha(tmp_path, channels):
    run = untrained_run(tmp_path, channels=channels, count=5)
    result, _ = found(config(run, metrics=("swd", "copying")))
    assert result.count == 2


def test_the_sheet_shows_the_closest_and_their_reals(tmp_path):
    run = untrained_run(tmp_path)
    path = tmp_path / "n.png"
    _, notes = found(config(run, sheet=str(path), metrics=("swd",)))
    with Image.open(path) as sheet:
        assert sheet.size == (8 * 98 + 16, 6 * 98 + 2)
        made = json.loads(sheet.text[RECIPE_KEY])
        apart = sheet.crop((98, 0, 98 + 16, sheet.height))
        assert apart.getextrema() == ((255, 255),) * 3
    head, _, told = notes[-1].rpartition(": ")
    assert head == "closest to a real one, row by row, in parts of its distance to the others"
    assert [int(one.split()[0]) for one in told.split(", ")] == made["evaluate"]["seeds"]
    assert made["command"] == "evaluate"
    assert sorted(made["evaluate"]["seeds"]) == list(range(6))


def test_document_is_json(tmp_path):
    result, _ = found(config(untrained_run(tmp_path), metrics=("drift",)))
    written = json.loads(json.dumps(document(result)))
    assert list(written) == ["version", "run", "checkpoint", "count", "drift_since", "figures"]
    (figure,) = written["figures"].values()
    assert figure == {
        "value": result.figures["drift/drift"].value, "floor": None, "better": "low"
    }  # fmt: skip


def test_too_few_pictures(tmp_path):
    run = untrained_run(tmp_path, count=3)
    with pytest.raises(ImageError) as caught:
        found(config(run))
    assert str(caught.value) == (
        f"{tmp_path / 'squares'} holds 3 usable pictures: to measure takes at least 4"
    )


def test_pictures_that_are_gone(tmp_path):
    run = untrained_run(tmp_path)
    (tmp_path / "squares").rename(tmp_path / "moved")
    with pytest.raises(PathError, match="at 2 kimg are not in .*squares: give the folder: artgan "):
        found(config(run))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": ("swdd",)}, "no metric 'swdd': did you mean 'swd'?"),
        ({"run": "nothing"}, "no run nothing: "),
        ({"images": "nowhere"}, "nowhere"),
        ({"sheet": "a.jpg"}, "--sheet a.jpg: expected a name that ends in .png"),
        ({"sheet": "a.png", "out": "a.png"}, "--sheet and --out are both a.png: give two names"),
        ({"sheet": "./a.png", "out": "a.png"}, "--sheet and --out are both a.png: give two names"),
        ({"sheet": "a.png/"}, "--sheet a.png/: expected a name that ends in .png"),
        ({"out": "sub/"}, "--out sub/: figures are one file: give a name such as a.json"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, settings, message):
    run = untrained_run(tmp_path)
    with pytest.raises(ArtganError) as caught:
        found(config(settings.pop("run", run), **settings))
    assert message in str(caught.value)


def test_what_exists_is_kept(tmp_path):
    (tmp_path / "a.json").write_text("mine")
    settings = {"run": "1", "out": str(tmp_path / "a.json")}
    with pytest.raises(PathError, match="exists: choose another name, or add --overwrite"):
        check_outputs(validate(EvaluateConfig, settings, ""))
    check_outputs(validate(EvaluateConfig, {**settings, "overwrite": True}, ""))


def test_a_metric_that_takes_more_pictures_is_warned_about(tmp_path, monkeypatch):
    run = untrained_run(tmp_path)
    monkeypatch.setattr("artgan.measuring.Meter.enough", 2000)
    _, notes = found(config(run, metrics=("swd",)))
    assert notes[-1] == (
        "'swd' means little with 6 pictures: it takes 2,000, and as many real ones in each half"
    )


def test_large_pictures_are_compared_in_smaller_numbers(tmp_path, monkeypatch):
    run = untrained_run(tmp_path)
    monkeypatch.setattr(module, "SET_BYTES", 4 * 3 * 16 * 16 * 4)
    result, notes = found(config(run, metrics=("swd",)))
    assert result.count == 4
    assert notes[-1] == "4 pictures of this size at most are compared, for want of memory"


def test_many_training_pictures_are_thinned_out(tmp_path, monkeypatch):
    run = untrained_run(tmp_path)
    monkeypatch.setattr(module, "MAX_TRAINING", 9)
    _, notes = found(config(run, metrics=("copying",)))
    assert notes[-1] == "copies are looked for among 9 of 12 real pictures"


# Fakes


def test_fakes_are_those_of_seeds_from_0_in_bytes():
    model = fake_model()
    fakes = draw_fakes(model, 20)
    assert_close(fakes * 255, (fakes * 255).round())
    alone = to_bytes((model.generator.render(draw([17], 8, "gaussian"))[-1] + 1) / 2)
    assert (to_bytes(fakes[17:18]).int() - alone.int()).abs().max() <= 1
    assert torch.equal(draw_fakes(model, 3), fakes[:3])
    assert draw_fakes(fake_model(channels=4), 2).shape == (2, 3, 8, 12)


@pytest.mark.parametrize("prior", ["gaussian", "sphere"])
def test_midpoints_are_as_long_as_latents_are(prior):
    model = fake_model(64, prior=prior)
    seen = []
    original = model.generator.codes
    model.generator.codes = lambda z, psi=1.0: (seen.append(z), original(z, psi))[1]
    assert draw_midpoints(model, 16).shape == (16, 3, 8, 12)
    lengths = seen[0].norm(dim=1)
    if prior == "sphere":
        assert_close(lengths, torch.full((16,), 8.0))
    assert float(lengths.mean()) == pytest.approx(8, rel=0.1)
    a, b = draw([3, 4], 64, prior)
    angles = torch.nn.functional.cosine_similarity(seen[0][3], torch.stack([a, b]), dim=1)
    if prior == "sphere":
        assert_close(angles[0], angles[1])
    assert float(angles.min()) > 0.5


BROKEN = """
    from artgan.api import Metric, hookimpl

    @hookimpl
    def artgan_metrics():
        yield Metric("dots", "no_such_module:build", summary="counts dots", figures=(("n", ""),))
"""


def test_a_strangers_metric_that_cannot_be_built_is_left_out_unless_it_is_asked_for(strangers):
    strangers("artgan-dots", {"dots_plugin": BROKEN})
    components = Registry()
    notes = []
    meters = _meters(EvaluateConfig(run="x"), components, notes.append)
    assert [meter.name for meter in meters] == default_metrics(Registry(entry_points=[]))
    (note,) = notes
    assert note.startswith("'dots' is left out: metric 'artgan-dots:dots' cannot be loaded: ")
    with pytest.raises(PluginError):
        _meters(EvaluateConfig(run="x", metrics=("dots",)), components, notes.append)
