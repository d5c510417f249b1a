"""VGG19's weights: where they are looked for, and what is refused unread. No network."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import socket
import urllib.error
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from artgan import files
from artgan.api import CheckpointError, ConfigError, PathError
from artgan.latents import generator
from artgan.screen import file_size
from artgan_plugins.extractors import vgg19_weights
from artgan_plugins.extractors.vgg19_weights import (
    FILE,
    copy_place,
    find_weights,
    read_weights,
    usual_place,
)

URL = "https://example.org/" + FILE
SHAPES = {
    "features.0.weight": (4, 3, 3, 3),
    "features.0.bias": (4,),
    "features.2.weight": (4, 4, 3, 3),
    "features.2.bias": (4,),
}
"""Of a much smaller network: which one it is makes no difference here."""


def tensors(**changes):
    random = generator(0)
    found = {name: torch.randn(shape, generator=random) for name, shape in SHAPES.items()}
    return found | {"classifier.6.bias": torch.zeros(10)} | changes


def same(found, wanted):
    assert list(found) == list(SHAPES)
    assert all(tensor.dtype == torch.float32 for tensor in found.values())
    assert all(torch.equal(found[name], wanted[name].float()) for name in SHAPES)


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Return the path of a file that is taken for the published one, wherever it is put."""
    path = tmp_path / "as published.pth"
    torch.save(tensors(), path, _use_new_zipfile_serialization=False)  # as old as the real one
    monkeypatch.setattr(vgg19_weights, "BYTES", path.stat().st_size)
    monkeypatch.setattr(vgg19_weights, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def put(path):
    """Put a file in PyTorch's cache and return its place."""
    place = usual_place()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(path.read_bytes())
    return place


def left(folder):
    """Return every file in a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


class Fetch:
    """What is called in place of PyTorch's download: it writes bytes, raises, or both."""

    def __init__(self, data=b"", error=None):
        self.data, self.error, self.asked = data, error, []

    def __call__(self, url, path, digest, progress):
        self.asked.append((url, digest, progress))
        Path(path).write_bytes(self.data)
        if self.error is not None:
            raise self.error


# Where it is looked for --------------------------------------------------------------------------


def test_the_usual_place_is_pytorchs(monkeypatch, tmp_path):
    cache = Path(os.environ["XDG_CACHE_HOME"])
    assert usual_place() == cache / "torch" / "hub" / "checkpoints" / FILE
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert usual_place() == tmp_path / "hub" / "checkpoints" / FILE


def test_nothing_there():
    with pytest.raises(ConfigError) as caught:
        find_weights(SHAPES, url=URL)
    assert str(caught.value) == (
        f"vgg19 needs {FILE}, which is not at {usual_place()}: fetch it once (574.7 MB) "
        "with stylize --download, or name a copy or a safetensors file with "
        "--set extractors.vgg19.file=FILE"
    )
    assert not usual_place().parent.exists()


def test_the_published_file_is_read_once_and_a_copy_from_then_on(published, monkeypatch, capsys):
    place = put(published)
    same(find_weights(SHAPES, url=URL), tensors())
    copy = copy_place()
    assert copy.name == f"vgg19-{vgg19_weights.SHA256}.safetensors"
    assert Path(os.environ["ARTGAN_CACHE"]) in copy.parents
    assert copy.stat().st_size < 2500  # without the classifier
    place.unlink()
    monkeypatch.setattr(torch, "load", None)
    same(find_weights(SHAPES, url=URL), tensors())
    same(read_weights(published, SHAPES), tensors())
    assert capsys.readouterr().err == ""


def test_the_published_file_may_be_named_anything_and_lie_anywhere(published):
    same(read_weights(published, SHAPES), tensors())
    assert copy_place().exists()


@pytest.mark.parametrize("damage", ["data", "header", "shorter", "empty", "other"])
def test_a_damaged_copy_is_made_anew(published, capsys, damage):
    put(published)
    find_weights(SHAPES, url=URL)
    copy = copy_place()
    sound = copy.read_bytes()
    other = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    if damage == "other":
        save_file(other, copy)
    else:
        copy.write_bytes(
            {
                "data": sound[:-1] + bytes([sound[-1] ^ 1]),
                "header": sound[:20] + b"\0" + sound[21:],
                "shorter": sound[:-1],
                "empty": b"",
            }[damage]
        )
    same(find_weights(SHAPES, url=URL), tensors())
    said = capsys.readouterr().err
    assert said.startswith(f"passing over the copy of {FILE}: {copy} is ")
    assert said.count("\n") == 1
    assert copy.read_bytes() == sound


def test_a_damaged_copy_and_nothing_else(published, capsys):
    put(published)
    find_weights(SHAPES, url=URL)
    usual_place().unlink()
    copy_place().write_bytes(b"?")
    with pytest.raises(ConfigError, match="stylize --download"):
        find_weights(SHAPES, url=URL)
    assert "passing over the copy" in capsys.readouterr().err


def test_a_copy_that_cannot_be_written_stops_nothing(published, monkeypatch, capsys):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    put(published)
    monkeypatch.setattr(files, "create", full)
    same(find_weights(SHAPES, url=URL), tensors())
    assert capsys.readouterr().err == (
        f"vgg19 is read in full each time: cannot write {copy_place()}: no space is left on the "
        "disk: free some and try again\n"
    )


# What may be read --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_of_any_precision(tmp_path, dtype):
    path = tmp_path / "wéights"
    wanted = {name: tensor.to(dtype) for name, tensor in tensors().items()}
    save_file(wanted, path)
    found = read_weights(path, SHAPES)
    same(found, wanted)
    path.unlink()
    same(found, wanted)  # it does not look into the file any more
    assert not copy_place().exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"features.2.weight": None},
            " has no tensor features.2.weight: expected the weights of torchvision's vgg19, with "
            "its names",
        ),
        (
            {"features.2.weight": torch.zeros(4, 4, 5, 5)},
            ": tensor features.2.weight is (4, 4, 5, 5), expected (4, 4, 3, 3) as in torchvision's "
            "vgg19",
        ),
        (
            {"features.2.bias": torch.zeros(4, dtype=torch.int32)},
            ": tensor features.2.bias is I32, expected F32, F16 or BF16",
        ),
        (
            {"features.2.bias": torch.tensor([0, 1, float("nan"), 2])},
            ": tensor features.2.bias holds infinite values or NaN",
        ),
        (
            {"features.0.bias": torch.tensor([0, 1, 2, float("inf")]).half()},
            ": tensor features.0.bias holds infinite values or NaN",
        ),
        (
            {"features.0.bias": torch.full((4,), 1e300, dtype=torch.float64)},
            ": tensor features.0.bias holds infinite values or NaN",
        ),
    ],
)
def test_safetensors_of_another_network(tmp_path, changes, reason):
    path = tmp_path / "w.safetensors"
    save_file({name: t for name, t in tensors(**changes).items() if t is not None}, path)
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, SHAPES)
    assert str(caught.value) == f"{path}{reason}"


@pytest.mark.parametrize("keep", [9, 100, -1])
def test_truncated_safetensors(tmp_path, keep):
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, SHAPES)
    assert str(caught.value).startswith(f"{path} is damaged or cut off: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"short", b"<html>404 not found</html>", b"\xff" * 64])
def test_files_that_are_something_else(tmp_path, data):
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, SHAPES)
    assert str(caught.value) == (
        f"{path} is not read, since it is no file of weights: expected a safetensors file with "
        f"torchvision's names, or {FILE} as published (it has {len(data)} bytes of 574,673,361)"
    )


@pytest.mark.parametrize(("kind", "what"), [("nowhere", "does not exist"), (".", "is not a file")])
def test_paths_that_are_no_files(tmp_path, kind, what):
    with pytest.raises(PathError) as caught:
        read_weights(tmp_path / kind, SHAPES)
    assert str(caught.value) == (
        f"weights {tmp_path / kind}: it {what}; expected {FILE} or a safetensors file"
    )


def test_a_path_that_safetensors_cannot_open(tmp_path):
    path = tmp_path / os.fsdecode(b"w\xff.safetensors")
    save_file(tensors(), tmp_path / "w")
    (tmp_path / "w").rename(path)
    with pytest.raises(PathError) as caught:
        read_weights(path, SHAPES)
    assert str(caught.value) == (
        f"weights {tmp_path}/w\\xff.safetensors: its path is not in UTF-8, as safetensors needs: "
        "move it"
    )


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path)

    def refuse(*_):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(vgg19_weights, "open", refuse, raising=False)
    with pytest.raises(PathError, match="cannot be read: permission is denied"):
        read_weights(path, SHAPES)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["pickle", "zip", "old"])
@pytest.mark.parametrize("same_length", [False, True])
def test_a_pickle_that_is_not_the_published_file_is_never_run(
    tmp_path, monkeypatch, form, same_length
):
    made, path = tmp_path / "made", tmp_path / "w.pth"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Bomb(made)))
    else:
        torch.save(Bomb(made), path, _use_new_zipfile_serialization=form == "zip")
    if same_length:
        monkeypatch.setattr(vgg19_weights, "BYTES", path.stat().st_size)
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, SHAPES)
    assert not made.exists()
    found = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    size = f"it has {path.stat().st_size:,} bytes of 574,673,361"
    problem = f"its SHA-256 begins {found} and not dcbb9e9d" if same_length else size
    assert str(caught.value) == (
        f"{path} is not read, since a pickle can run code when it is read: expected a safetensors "
        f"file with torchvision's names, or {FILE} as published ({problem})"
    )
    if form == "pickle":  # it would have
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert made.exists()


def test_even_the_published_file_runs_no_code(tmp_path, monkeypatch):
    made, path = tmp_path / "made", tmp_path / "w.pth"
    torch.save(Bomb(made), path)
    monkeypatch.setattr(vgg19_weights, "BYTES", path.stat().st_size)
    monkeypatch.setattr(vgg19_weights, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(CheckpointError, match="cannot be read by this PyTorch: "):
        read_weights(path, SHAPES)
    assert not made.exists()


def test_a_cut_off_file_in_pytorchs_cache(published):
    place = put(published)
    place.write_bytes(place.read_bytes()[:100])
    with pytest.raises(CheckpointError) as caught:
        find_weights(SHAPES, url=URL)
    assert str(caught.value) == (
        f"{place} is not the file as published, and is not read: it has 100 bytes of "
        f"{vgg19_weights.BYTES:,}; delete it and fetch it with stylize --download, or "
        "--set extractors.vgg19.file=FILE to name another"
    )


# Fetching ----------------------------------------------------------------------------------------


def test_fetched_once(published, capsys):
    fetch = Fetch(published.read_bytes())
    same(find_weights(SHAPES, url=URL, download=True, fetch=fetch), tensors())
    assert fetch.asked == [(URL, vgg19_weights.SHA256, False)]
    size = file_size(len(fetch.data))
    assert capsys.readouterr().err == f"fetching {URL} ({size}) to {usual_place().parent}\n"
    assert left(usual_place().parent) == [FILE]
    assert usual_place().read_bytes() == published.read_bytes()
    same(find_weights(SHAPES, url=URL, download=True, fetch=fetch), tensors())
    copy_place().unlink()
    same(find_weights(SHAPES, url=URL, download=True, fetch=fetch), tensors())
    assert len(fetch.asked) == 1


def test_a_damaged_file_in_pytorchs_cache_is_fetched_anew(published):
    place = put(published)
    place.write_bytes(b"cut off")
    fetch = Fetch(published.read_bytes())
    same(find_weights(SHAPES, url=URL, download=True, fetch=fetch), tensors())
    assert place.read_bytes() == published.read_bytes()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            urllib.error.URLError(socket.gaierror(-2, "Name or service not known")),
            "name or service not known",
        ),
        (OSError(errno.ENOSPC, "No space left"), "no space is left on the disk: free some and"),
        (RuntimeError('invalid hash value (expected "a", got "b")'), "invalid hash value"),
        (ValueError("unknown url type: 'x'"), "unknown url type: 'x'"),
        (TimeoutError(), "TimeoutError"),
        (None, "its SHA-256 begins"),
    ],
)
@pytest.mark.parametrize("before", [False, True])
def test_what_could_not_be_fetched_leaves_nothing_behind(published, error, reason, before):
    if before:
        put(published).write_bytes(b"cut off")
    fetch = Fetch(b"?" * vgg19_weights.BYTES, error)
    with pytest.raises(CheckpointError) as caught:
        find_weights(SHAPES, url=URL, download=True, fetch=fetch)
    said = str(caught.value)
    assert said.startswith(f"{URL} could not be fetched: {reason}")
    assert said.endswith(
        "; try again, or fetch it by other means and pass --weights FILE, or put it at "
        f"{usual_place()}"
    )
    assert "\n" not in said
    assert left(usual_place().parent) == ([FILE] if before else [])
    assert not copy_place().exists()


def test_an_error_of_the_server(published):
    with urllib.error.HTTPError(URL, 404, "Not Found", {}, None) as error:
        with pytest.raises(
            CheckpointError, match="could not be fetched: HTTP Error 404: Not Found"
        ):
            find_weights(SHAPES, url=URL, download=True, fetch=Fetch(error=error))


def test_stopping_it_leaves_nothing_behind(published):
    with pytest.raises(KeyboardInterrupt):
        find_weights(SHAPES, url=URL, download=True, fetch=Fetch(b"?", KeyboardInterrupt()))
    assert left(usual_place().parent) == []


def test_nothing_is_fetched_unasked(published, monkeypatch):
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    with pytest.raises(ConfigError):
        find_weights(SHAPES, url=URL)


def test_pytorchs_own_download_is_called_as_it_wants(published, monkeypatch):
    fetch = Fetch(published.read_bytes())
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    same(find_weights(SHAPES, url=URL, download=True), tensors())
    assert len(fetch.asked) == 1


def test_where_a_folder_cannot_be_made(published, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match="could not be fetched: a part of the path is a file"):
        find_weights(SHAPES, url=URL, download=True, fetch=Fetch())
