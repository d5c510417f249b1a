"""The demo's paintings: same seed same bytes, every motif, whole files or none."""

import errno
import random

import pytest
from PIL import Image

from artgan import files
from artgan.errors import OutputError
from artgan.paintings import MOTIFS, brushwork, motif_of, paint, paint_folder


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63])
def test_the_same_seed_paints_the_same_bytes(seed):
    assert paint(seed).tobytes() == paint(seed).tobytes()


def test_painting_neither_reads_nor_moves_the_global_generator():
    random.seed(1)
    first, state = paint(5).tobytes(), random.getstate()
    random.seed(1)
    assert random.getstate() == state
    random.seed(2)
    assert paint(5).tobytes() == first


def test_different_seeds_paint_different_pictures():
    assert len({paint(seed, side=32).tobytes() for seed in range(60)}) == 60


def test_every_motif_occurs_in_sixty_seeds():
    counts = {name: [motif_of(seed) for seed in range(60)].count(name) for name in MOTIFS}
    assert min(counts.values()) >= 3, counts


@pytest.mark.parametrize("side", [1, 16, 32, 64, 100])
@pytest.mark.parametrize("motif", MOTIFS)
def test_each_motif_is_rgb_at_any_side(motif, side):
    seed = next(seed for seed in range(100) if motif_of(seed) == motif)
    picture = paint(seed, side=side)
    assert picture.mode == "RGB"
    assert picture.size == (side, side)


def test_a_painting_is_the_same_scene_at_every_side():
    small = paint(3, side=32)
    shrunk = paint(3, side=64).resize((32, 32), Image.Resampling.BOX)
    pairs = zip(small.tobytes(), shrunk.tobytes(), strict=True)
    differences = [abs(a - b) for a, b in pairs]
    assert sum(differences) / len(differences) < 3


def test_paintings_show_more_than_a_background():
    for seed in range(12):
        colors = paint(seed, side=32).quantize(8).convert("RGB").getcolors()
        assert colors is not None
        assert len(colors) >= 4


def test_a_folder_holds_numbered_paintings_and_tells_of_each(tmp_path):
    told = []
    paths = paint_folder(tmp_path / "art", 3, seed=0, side=16, progress=told.append)
    names = ["painting000.png", "painting001.png", "painting002.png"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in (tmp_path / "art").iterdir()) == names
    assert told == [1, 2, 3]
    for path in paths:
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (16, 16))


def test_a_folder_is_a_function_of_its_seed_and_a_longer_one_begins_the_same(tmp_path):
    short = paint_folder(tmp_path / "a", 2, seed=0, side=16)
    long = paint_folder(tmp_path / "b", 4, seed=0, side=16)
    other = paint_folder(tmp_path / "c", 2, seed=1, side=16)
    assert [p.read_bytes() for p in short] == [p.read_bytes() for p in long[:2]]
    assert [p.read_bytes() for p in short] != [p.read_bytes() for p in other]


def test_a_full_disk_is_one_sentence_and_leaves_the_whole_paintings(tmp_path, monkeypatch):
    create = files.create

    def full(path):
        if "painting001" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return create(path)

    monkeypatch.setattr(files, "create", full)
    with pytest.raises(OutputError, match=r"painting001\.png: no space is left on the disk"):
        paint_folder(tmp_path, 3, seed=0, side=16)
    assert [path.name for path in tmp_path.iterdir()] == ["painting000.png"]


def test_brushwork_is_the_same_for_a_seed_and_another_for_another():
    assert brushwork(0, side=32).tobytes() == brushwork(0, side=32).tobytes()
    assert brushwork(0, side=32).tobytes() != brushwork(1, side=32).tobytes()
    assert brushwork(0, side=32).size == (32, 32)
    assert len(brushwork(0, side=32).getcolors(maxcolors=2048)) > 100
