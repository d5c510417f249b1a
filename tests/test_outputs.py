"""Outputs: which writer a name gets, what is refused, and that failures leave nothing."""

import os
import threading
import time

import pytest
import torch

from artgan.api import Writer
from artgan.errors import ArtganError, ConfigError, OutputError, PathError, PluginError
from artgan.images import Frame, Frames
from artgan.outputs import (
    QUEUE_FRAMES,
    Output,
    Spent,
    _thinned,
    blaming,
    check_place,
    deliver,
    find_outputs,
    remove_surplus,
)
from artgan.registry import registry


def find(*outs, fps=25.0, overwrite=False, tables=None, count=None):
    return find_outputs(
        outs,
        fps=fps,
        overwrite=overwrite,
        components=registry(),
        tables=tables or {},
        count=count,
    )


def frames(count=6, *, fail_at=None, error=None, size=(4, 6)):
    def made():
        for number in range(count):
            if number == fail_at:
                raise error
            yield Frame(torch.full((3, *size), number / 10), f"frame{number:06d}")

    return Frames(made(), size, 25.0, count)


def left(folder):
    return sorted(p.name for p in folder.rglob("*"))


@pytest.mark.parametrize(
    ("out", "writer"),
    [
        ("a.gif", "gif"),
        ("A.GIF", "gif"),
        ("b.png", "png"),
        ("c/", "png-frames"),
        ("d.png/", "png-frames"),
    ],
)
def test_the_suffix_chooses_the_writer(out, writer):
    (output,) = find(out)
    assert output.entry.record.name == writer


def test_an_existing_folder_needs_no_slash(tmp_path):
    (output,) = find(str(tmp_path))
    assert output.entry.record.name == "png-frames"


def test_a_folder_may_end_in_any_suffix(tmp_path):
    outputs = find(f"{tmp_path}/frames.png/")
    files = deliver(frames(2), outputs, components=registry())
    assert files == [tmp_path / "frames.png" / f"frame00000{i}.png" for i in range(2)]


def test_several_frames_need_more_than_one_picture():
    with pytest.raises(ConfigError) as caught:
        find("a.png", count=12)
    assert str(caught.value) == (
        "a.png holds one picture, 12 frames were asked for: "
        "give a.poster.png, a.sheet.png, a folder, such as a/, or another format"
    )
    assert find("a.png", count=1)


@pytest.mark.parametrize("out", ["a.giff", "a", "", ".gif", "a.gif.bak"])
def test_unknown_suffixes_are_refused_with_the_known_ones(out):
    with pytest.raises(ConfigError) as caught:
        find(out)
    assert str(caught.value).endswith(
        "known: .apng, .avif, .gif, .mp4, .png, .poster.png, .sheet.png, .webm, .webp, or a "
        "folder, its name ending in /"
    )


def test_a_rate_that_players_slow_down_is_refused():
    with pytest.raises(ConfigError) as caught:
        find("a.gif", fps=60)
    assert str(caught.value) == (
        "a.gif: 'gif' shows at most 50 frames a second, 60 were asked for: use --fps 50"
    )
    assert find("a.gif", fps=50)
    assert find("a/", fps=60)


def test_options_are_checked_before_anything_is_drawn():
    (output,) = find("a.gif", tables={"writers": {"gif": {"quality": "draft"}}})
    assert output.options.quality == "draft"
    with pytest.raises(ConfigError, match=r"writers\.gif\.quality"):
        find("a.gif", tables={"writers": {"gif": {"quality": "good"}}})


def test_folders_that_cannot_be_written_in_are_refused(tmp_path, monkeypatch):
    (tmp_path / "astray").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PathError, match="astray is a link that leads nowhere, expected a folder"):
        check_place(tmp_path / "astray" / "a.gif", folder=False, overwrite=True)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(PathError) as caught:
        check_place(tmp_path / "new" / "a.gif", folder=False, overwrite=False)
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'new' / 'a.gif'}: permission is denied in {tmp_path}"
    )


def test_places_that_are_taken(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_bytes(b"x")
    (tmp_path / "d.gif").mkdir()
    cases = {
        "a.gif": "exists: choose another name, or add --overwrite",
        "full/": "is not empty: choose another folder, or add --overwrite",
        "d.gif": "is a folder, expected a file: choose another name",
        "a.gif/": "is a file, expected a folder: choose another name",
        "a.gif/b.gif": "is a file, expected a folder",
    }
    for out, message in cases.items():
        with pytest.raises(PathError) as caught:
            find(f"{tmp_path}/{out}")
        assert str(caught.value).endswith(message), out
    find(f"{tmp_path}/a.gif", overwrite=True)
    find(f"{tmp_path}/full/", overwrite=True)
    check_place(tmp_path / "new" / "deep" / "a.gif", folder=False, overwrite=False)


def test_the_same_place_twice_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="given twice"):
        find(f"{tmp_path}/a.gif", f"{tmp_path}/a.gif")


def test_one_place_by_two_spellings_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")
    for one, other in (("b.gif", "sub/../b.gif"), ("sub/b.gif", "link/b.gif"), ("sub", "sub/")):
        with pytest.raises(ConfigError, match=f"^{other} was given twice"):
            find(one, other)


def test_one_render_into_several_files(tmp_path):
    outputs = find(f"{tmp_path}/a.gif", f"{tmp_path}/b.gif", f"{tmp_path}/f/")
    seen = []
    files = deliver(
        frames(),
        outputs,
        components=registry(),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert len(files) == 8
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert len(left(tmp_path / "f")) == 6
    assert seen[-1] == (6, 6)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("error", [RuntimeError("source"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("fail_at", [0, 4])
def test_a_source_that_fails_leaves_nothing(tmp_path, error, fail_at):
    outputs = find(f"{tmp_path}/a.gif", f"{tmp_path}/f/")
    with pytest.raises(type(error)):
        deliver(frames(fail_at=fail_at, error=error), outputs, components=registry())
    assert left(tmp_path) == []
    assert not any(t.name == "artgan-encoder" for t in threading.enumerate())


def test_an_encoder_that_fails_stops_the_source_and_leaves_nothing(tmp_path):
    source = frames(1000)
    with pytest.raises(ArtganError, match="holds one picture"):
        deliver(source, find(f"{tmp_path}/f/", f"{tmp_path}/a.png"), components=registry())
    assert left(tmp_path) == []
    rest = sum(1 for _ in source)
    assert rest >= 1000 - 2 * QUEUE_FRAMES - 2


def test_a_writer_that_cannot_be_opened_closes_those_before_it(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    first = find(f"{tmp_path}/a.gif")
    broken = Output(tmp_path / "file" / "b.gif", first[0].entry, first[0].options)
    with pytest.raises(ArtganError, match=r"cannot write .*b\.gif"):
        deliver(frames(), [*first, broken], components=registry())
    assert left(tmp_path) == ["file"]


class CountingWriter:
    """A writer that is slow and counts how far the source has come before it."""

    made = 0
    ahead: list[int] = []

    def __init__(self, *args, **kwargs):
        self.written = 0

    def write(self, image, *, name, seconds):
        self.written += 1
        CountingWriter.ahead.append(CountingWriter.made - self.written)

    def close(self):
        return []

    def abort(self):
        pass


def test_only_a_few_frames_wait(monkeypatch, tmp_path):
    CountingWriter.made, CountingWriter.ahead = 0, []

    def made():
        for number in range(100):
            CountingWriter.made += 1
            yield Frame(torch.zeros(3, 2, 2), str(number))

    known = registry()
    (output,) = find(f"{tmp_path}/a.gif")
    assert isinstance(output.entry.record, Writer)
    monkeypatch.setattr(known, "build", lambda *a, **k: CountingWriter())
    deliver(Frames(made(), (2, 2), 25.0, 100), [output], components=known)
    assert len(CountingWriter.ahead) == 100
    assert max(CountingWriter.ahead) <= QUEUE_FRAMES + 1


# Side by side ---------------------------------------------------------------------------------


class Noting:
    """A writer that notes what it is told, and may be slow."""

    def __init__(self, probes=0, seconds=0.0):
        self.probes, self.seconds = probes, seconds
        self.said, self.threads = [], set()

    def prepare(self, images):
        self.said.append(("prepare", len(images)))

    def write(self, image, *, name, seconds):
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        self.said.append(name)

    def close(self):
        self.said.append("close")
        return []

    def abort(self):
        self.said.append("abort")


def into(monkeypatch, *writers):
    """Return outputs that are written by such writers, and where they are built."""
    known = registry()
    outputs = find(*(f"{number}.gif" for number in range(len(writers))))
    built, asked = iter(writers), []

    def build(entry, options, path, **how):
        asked.append(how)
        return next(built)

    monkeypatch.setattr(known, "build", build)
    return outputs, known, asked


def test_each_output_has_a_thread_of_its_own_and_gets_every_frame(monkeypatch):
    writers = [Noting(), Noting(seconds=0.002), Noting()]
    outputs, known, _ = into(monkeypatch, *writers)
    seen = []
    deliver(frames(30), outputs, components=known, progress=lambda *n: seen.append(n))
    names = [f"frame{number:06d}" for number in range(30)]
    assert [writer.said for writer in writers] == [[*names, "close"]] * 3
    threads = [writer.threads for writer in writers]
    assert all(len(each) == 1 for each in threads)
    assert len(set.union(*threads, {threading.get_ident()})) == 4
    assert seen[-1] == (30, 30)


def test_slow_writers_wait_for_each_other_no_longer_than_the_slowest(monkeypatch):
    writers = [Noting(seconds=0.01) for _ in range(3)]
    outputs, known, _ = into(monkeypatch, *writers)
    spent = Spent()
    deliver(frames(20), outputs, components=known, spent=spent)
    assert 0.2 <= spent.encoding <= spent.whole < 0.45  # one after the other they take 0.6
    assert 0 <= spent.rendering < 0.2


def test_one_that_fails_ends_the_others_too(monkeypatch):
    good, bad = Noting(), Noting()
    outputs, known, _ = into(monkeypatch, good, bad)
    bad.write = lambda image, **how: (_ for _ in ()).throw(OutputError("full"))
    source = frames(1000)
    with pytest.raises(OutputError, match="full"):
        deliver(source, outputs, components=known)
    assert good.said[-1] == bad.said[-1] == "abort"
    assert "close" not in good.said
    assert sum(1 for _ in source) > 900
    assert not any(t.name == "artgan-encoder" for t in threading.enumerate())


def test_a_recipe_for_all_or_for_each(monkeypatch):
    for recipe, expected in (
        (None, [None, None]),
        ("all", ["all", "all"]),
        (lambda output: output.path.name, ["0.gif", "1.gif"]),
    ):
        outputs, known, asked = into(monkeypatch, Noting(), Noting())
        deliver(frames(1), outputs, components=known, loop=3, recipe=recipe)
        assert [how["recipe"] for how in asked] == expected
        assert {how["loop"] for how in asked} == {3}


def probed(count=6, **more):
    """Return frames of which some may be seen before."""
    made = frames(count, **more)

    def probe(wanted):
        return [torch.zeros(3, 4, 6)] * min(wanted, count)

    return Frames(made.frames, made.size, made.fps, made.length, probe)


def test_only_writers_that_ask_see_frames_before_and_only_where_there_are_any(monkeypatch):
    for source, said in ((probed(2), ("prepare", 2)), (frames(2), "frame000000")):
        plain, asking = Noting(), Noting(probes=5)
        outputs, known, _ = into(monkeypatch, plain, asking)
        deliver(source, outputs, components=known)
        assert plain.said == ["frame000000", "frame000001", "close"]
        assert asking.said[0] == said
        assert asking.said[-3:] == plain.said


# Folders with an older sequence ---------------------------------------------------------------


def test_what_is_left_of_a_longer_sequence_goes_and_nothing_else(tmp_path):
    outputs = find(f"{tmp_path}/f/", f"{tmp_path}/a.gif")
    deliver(frames(5), outputs, components=registry())
    others = ["frame1.png", "frame000004.txt", "frame0000040.png", "mine.png"]
    for name in others:
        (tmp_path / "f" / name).write_bytes(b"mine")
    (tmp_path / "f" / "frame000009.png").mkdir()
    files = deliver(frames(3), outputs, components=registry())
    assert remove_surplus(outputs, files) == 2
    new = [f"frame00000{i}.png" for i in range(3)]
    assert left(tmp_path / "f") == sorted([*new, *others, "frame000009.png"])
    assert remove_surplus(outputs, files) == 0


# Writers of strangers -------------------------------------------------------------------------

STRANGE = """
    from pathlib import Path

    from artgan.api import ConfigError, Writer, hookimpl

    @hookimpl
    def artgan_writers():
        yield Writer("strange", "strange_plugin:Strange", suffixes=(".odd",))

    class Strange:
        fault = "none"
        probes = 1

        def __init__(self, options, path, **how):
            self.path = path

        def prepare(self, images):
            if self.fault == "prepare":
                raise ValueError("too few colours")

        def write(self, image, *, name, seconds):
            if self.fault == "write":
                raise ValueError("no such \x1b[2J colour")
            if self.fault == "exit":
                raise SystemExit(3)
            if self.fault == "sentence":
                raise ConfigError("it takes no grey")

        def close(self):
            if self.fault == "close":
                raise OSError(28, "No space left on device")
            return {"paths": None, "gone": [self.path]}.get(self.fault, [])

        def abort(self):
            raise RuntimeError("abort fails, too")
"""


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("prepare", PluginError, "failed: ValueError: too few colours"),
        ("write", PluginError, "failed: ValueError: no such \\x1b[2J colour"),
        ("exit", PluginError, "failed: SystemExit: 3"),
        ("close", PluginError, "failed: no space is left on the disk: free some and try again"),
        ("paths", PluginError, "says it wrote None, expected a list of files"),
        ("gone", PluginError, "says it wrote [PosixPath('"),
        ("sentence", ConfigError, "it takes no grey"),
    ],
)
def test_a_strangers_writer_that_fails_is_named(strangers, tmp_path, fault, error, message):
    strangers("strange-dist", {"strange_plugin": STRANGE})
    outputs = find(f"{tmp_path}/a.odd", f"{tmp_path}/b.gif")
    registry().target(outputs[0].entry).fault = fault
    with pytest.raises(error) as caught:
        deliver(probed(), outputs, components=registry())
    start = "" if fault == "sentence" else "writer 'strange-dist:strange' "
    assert str(caught.value).startswith(start + message)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_source_that_cannot_be_probed_is_not_blamed_on_a_writer(strangers, tmp_path):
    strangers("strange-dist", {"strange_plugin": STRANGE})

    def probe(wanted):
        raise ZeroDivisionError("the network")

    source = frames()
    unseen = Frames(source.frames, source.size, source.fps, source.length, probe)
    with pytest.raises(ZeroDivisionError, match="the network"):
        deliver(unseen, find(f"{tmp_path}/a.odd", f"{tmp_path}/b.gif"), components=registry())
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_our_own_mistakes_are_not_blamed_on_anybody():
    (output,) = find("a.gif")
    with pytest.raises(ZeroDivisionError), blaming(output.entry):
        raise ZeroDivisionError


def test_writers_see_large_frames_thinned():
    """Every third row and column of 1,200 pixels, in memory of their own."""
    image = torch.rand(1, 30, 1200)
    seen = _thinned(image)
    assert torch.equal(seen, image[:, ::3, ::3])
    assert seen.untyped_storage().nbytes() < image.untyped_storage().nbytes()
    assert torch.equal(_thinned(image[..., :512]), image[..., :512])
