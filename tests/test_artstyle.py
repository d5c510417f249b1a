"""Files of fast styles, and pictures drawn by them."""

import dataclasses
import io
import json
import zipfile

import pytest
import torch
from safetensors.torch import load, save
from torch.testing import assert_close

from artgan.artstyle import WEAKEST, ArtStyle, FastStylist, read_artstyle, write_artstyle
from artgan.errors import CheckpointError, ShapeError
from artgan.fastnet import FastNet, Shape
from artgan.toning import colours_of, match_colours

SHAPE = Shape(width=8, detail=4, blocks=1)


@pytest.fixture(scope="module")
def style():
    torch.manual_seed(0)
    net = FastNet(1, SHAPE)
    with torch.no_grad():
        net.stages[0].end.weight.mul_(10)
    colours = colours_of(0.3 + 0.2 * torch.rand(1, 3, 16, 16))
    return ArtStyle(net.eval().requires_grad_(False), colours, {"seed": 3})


CONTENT = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))


def test_a_file_gives_back_what_was_written(style, tmp_path):
    path = tmp_path / "a.artstyle"
    assert write_artstyle(path, style) == path.stat().st_size
    found = read_artstyle(path)
    assert found.facts == {"seed": 3}
    assert_close(found.colours, style.colours)
    drawn = FastStylist(style).redraw(CONTENT)
    assert torch.equal(FastStylist(found).redraw(CONTENT), drawn)


def test_the_same_style_makes_the_same_file(style, tmp_path):
    for name in "ab":
        write_artstyle(tmp_path / name, style)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def changed(data, **facts):
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    told = json.loads(header["__metadata__"]["artgan.artstyle"])
    return save(load(data), {"artgan.artstyle": json.dumps(told | facts)})


def pickled():
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, buffer)
    return buffer.getvalue()


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a", "b")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda data: data[: len(data) // 2], "is no fast style"),
        (lambda data: b"", "is no fast style"),
        (lambda data: b"\x89PNG\r\n\x1a\n", "is no fast style"),
        (lambda data: save({"a": torch.zeros(1)}), "is no fast style"),
        (lambda data: pickled(), "which can run code when read"),
        (lambda data: zipped(), "which can run code when read"),
        (lambda data: changed(data, format=2), "use a newer artgan"),
        (lambda data: changed(data, mean=[0.0]), "its colours are not those of a picture"),
        (lambda data: changed(data, net={}), "its network is not described"),
        (
            lambda data: changed(data, net={"stages": 1, "width": 10**6, "detail": 4, "blocks": 1}),
            "net.width is 1000000, expected 1 to 256",
        ),
        (
            lambda data: changed(data, net={"stages": 2, "width": 8, "detail": 4, "blocks": 1}),
            "is missing",
        ),
        (lambda data: changed(data, mean=[float("nan")] * 3), "not finite"),
    ],
)
def test_what_is_no_fast_style_is_refused_in_a_sentence(style, tmp_path, make, expected):
    path = tmp_path / "a.artstyle"
    write_artstyle(path, style)
    path.write_bytes(make(path.read_bytes()))
    with pytest.raises(CheckpointError, match=expected) as caught:
        read_artstyle(path)
    assert "a.artstyle" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said():
    with pytest.raises(CheckpointError, match=r"nowhere\.artstyle cannot be read"):
        read_artstyle(__import__("pathlib").Path("nowhere.artstyle"))


def test_strength_0_changes_nothing_and_little_is_a_blend(style):
    assert torch.equal(FastStylist(style, strength=0).redraw(CONTENT), CONTENT)
    weakest = FastStylist(style, strength=WEAKEST).redraw(CONTENT)
    half = FastStylist(style, strength=WEAKEST / 2).redraw(CONTENT)
    assert_close(half, (CONTENT + weakest) / 2)


def test_pictures_get_the_colours_of_the_style_or_keep_theirs(style):
    seen = []
    stylist = FastStylist(style, strength=0.5)
    stylist.style = dataclasses.replace(style, net=Spy(seen))
    stylist.redraw(CONTENT)
    assert_close(seen[0], match_colours(CONTENT, style.colours))
    kept = FastStylist(style, strength=0.9, keep=True).redraw(CONTENT)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

    def chroma(image):
        return image - (image * luma).sum(1, keepdim=True)

    inside = ((kept > 0.001) & (kept < 0.999)).all(1, keepdim=True).expand_as(kept)
    assert_close(chroma(kept)[inside], chroma(CONTENT)[inside], atol=1e-4, rtol=0)


class Spy(torch.nn.Module):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def redraw(self, content, strength, *, seed):
        self.seen.append(content)
        return content


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (15, 17)])
def test_tiny_pictures_are_drawn_at_their_size(style, size):
    drawn = FastStylist(style).redraw(torch.rand(1, 3, *size))
    assert drawn.shape == (1, 3, *size)


def test_other_styles_are_refused(style):
    with pytest.raises(ShapeError, match="knows itself only"):
        FastStylist(style).redraw(CONTENT, [object()])
