from types import SimpleNamespace

from artgan.files import TEMPORARY
from artgan.flows.ledger import Ledger
from artgan.flows.work import Bench, _with_tables


def test_what_a_killed_process_left_is_removed_before_a_step_is_made(tmp_path):
    results, elsewhere = tmp_path / "p", tmp_path / "elsewhere"
    left = [folder / f"{TEMPORARY}1" for folder in (results / "frames", results, elsewhere)]
    for place in left:
        (place / "deep").mkdir(parents=True)
    bench = Bench(Ledger(results), None, print)
    bench.begun(
        SimpleNamespace(name="walk"), {}, [results / "frames", results / "a.gif", elsewhere]
    )
    assert [place.exists() for place in left] == [False, False, True]
    assert set(Ledger(results).entry("walk").outputs) == {"frames", "a.gif", "../elsewhere"}


def test_callbacks_have_their_options_of_now_when_training_goes_on():
    before = {"architectures": {"dcgan": {"z_dim": 8}}, "callbacks": {"a": {"x": 1}}}
    now = {"architectures": {"dcgan": {}}, "callbacks": {"b": {"y": 2}}}
    assert _with_tables(before, now, "callbacks") == {
        "architectures": {"dcgan": {"z_dim": 8}}, "callbacks": {"b": {"y": 2}},
    }  # fmt: skip
    assert _with_tables(before, {}, "callbacks") == {
        "architectures": {"dcgan": {"z_dim": 8}},
    }  # fmt: skip
