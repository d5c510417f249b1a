import hashlib
import json

import pytest

from artgan.api import PathError
from artgan.flows.ledger import Entry, Ledger, differences, file_digest, key_of


def test_what_is_noted_is_there_again_and_files_are_watched(tmp_path):
    folder = tmp_path / "made"
    ledger = Ledger(folder)
    assert ledger.entry("walk") is None
    assert ledger.fault("walk") is None
    folder.mkdir()
    film = folder / "a.gif"
    film.write_bytes(b"film")
    outputs = ledger.digests([film, tmp_path / "x.gif"])
    assert outputs == {"a.gif": hashlib.sha256(b"film").hexdigest(), "../x.gif": ""}
    entry = Entry(key="k", facts={"psi": 1.0}, done=True, outputs=ledger.digests([film]))
    ledger.put("walk", entry)

    again = Ledger(folder)
    assert again.entry("walk") == entry
    assert again.owned("walk") == {str(film.resolve())}
    assert again.fault("walk") is None
    film.write_bytes(b"other")
    assert again.fault("walk") == "a.gif was changed"
    film.unlink()
    assert again.fault("walk") == "a.gif is gone"
    assert [path.name for path in folder.iterdir()] == ["pipeline.json"]


def test_what_was_made_with_other_settings_is_owned_until_somebody_changes_it(tmp_path):
    ledger = Ledger(tmp_path)
    old, begun, gone = (tmp_path / name for name in ("old.gif", "begun.gif", "gone.gif"))
    for path in (old, begun):
        path.write_bytes(b"film")
    before = {**ledger.digests([old, gone]), "begun.gif": ""}
    ledger.put("walk", Entry(key="k", facts={}, done=False, outputs=before))
    earlier = ledger.earlier("walk", {"new.gif"})
    assert earlier == {"old.gif": before["old.gif"], "begun.gif": ""}
    assert ledger.earlier("sample", set()) == {}

    ledger.put("walk", Entry(key="k", facts={}, done=True, earlier=earlier))
    assert Ledger(tmp_path).owned("walk") == {str(old.resolve()), str(begun.resolve())}
    assert ledger.earlier("walk", {"old.gif"}) == {"begun.gif": ""}
    for path in (old, begun):
        path.write_bytes(b"mine")
    assert ledger.owned("walk") == {str(begun.resolve())}  # never finished: it is still its own


@pytest.mark.parametrize("text", ["{", '{"version": 2}', '{"stages": {"walk": {}}}', "[]"])
def test_a_damaged_one_is_refused(tmp_path, text):
    (tmp_path / "pipeline.json").write_text(text)
    with pytest.raises(PathError) as caught:
        Ledger(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/pipeline.json is damaged, or of another artgan: remove it, and all stages are "
        "made again"
    )


def test_the_key_is_of_all_facts_whatever_their_order():
    facts = {"psi": 1.0, "keys": "0-5"}
    assert key_of(facts) == key_of(json.loads(json.dumps(dict(reversed(facts.items())))))
    assert key_of(facts) != key_of({**facts, "psi": 1})


def test_differences_in_words():
    before = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    assert differences(before, {**before, "b": 3, "c": 4}) == "b and c changed"
    assert differences(before, {**before, "f": 1}) == "f changed"
    assert differences(before, {"a": 2, "b": 3, "c": 4}) == "a, b, c and 2 more changed"
    assert differences(before, before) == "nothing changed"


def test_no_file_has_no_digest(tmp_path):
    assert file_digest(tmp_path / "none") is None
    assert file_digest(tmp_path) is None
