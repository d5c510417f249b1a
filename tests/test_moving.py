"""Frames redrawn one from the last: steady, sharing what is learnt, and anew after a cut."""

import itertools

import pytest
import torch
from test_motion import scene, window
from test_stylist import picture, stylist

from artgan.images import Frame, Frames
from artgan.moving import flicker, is_cut, is_loop, redraw_frames
from artgan.stylist import Style

STYLE = Style(picture(1, (48, 48)))
STILL = window(scene(seed=3), 4)[0]


def frames(images, *, fps=12.0):
    made = [Frame(image, f"f{number}", None) for number, image in enumerate(images)]
    return Frames(iter(made), tuple(images[0].shape[1:]), fps, len(made))


def redrawn(images, *, steadiness=10.0, closed=False, told=lambda *_: None, edge=None, mask=None,
            **settings):  # fmt: skip
    """Return the pictures that images become."""
    how = stylist(**settings)
    found = redraw_frames(
        how, frames(images), [STYLE], steadiness=steadiness, closed=closed, told=told, edge=edge,
        mask=mask,
    )  # fmt: skip
    return [frame.image for frame in found]


def ball(count=4):
    """Return frames on which a square crosses a picture that stands still."""
    images = []
    for number in range(count):
        image = STILL.clone()
        image[:, 10:20, 4 + 5 * number : 14 + 5 * number] = torch.tensor([0.9, 0.2, 0.1])[
            :, None, None
        ]
        images.append(image)
    return images


def test_names_times_and_sizes_are_kept():
    source = [Frame(STILL, "a", 0.5), Frame(STILL, "b", 0.1)]
    made = redraw_frames(
        stylist(), Frames(source, (32, 48), None, 2), [STYLE], steadiness=1.0, edge=24
    )
    assert (made.size, made.fps, made.length) == ((16, 24), None, 2)
    assert [(f.name, f.seconds, tuple(f.image.shape)) for f in made] == [
        ("a", 0.5, (3, 16, 24)),
        ("b", 0.1, (3, 16, 24)),
    ]


def test_frames_are_drawn_while_they_are_read():
    read = []

    def source():
        for number in range(20):
            read.append(number)
            yield Frame(STILL, str(number))

    made = iter(redraw_frames(stylist(effort=0.05), Frames(source()), [STYLE], steadiness=1.0))
    next(made)
    next(made)
    assert len(read) <= 5


def test_what_stands_still_stays_and_more_so_if_held():
    images = ball()
    held, free = (flicker(images, redrawn(images, steadiness=s)) for s in (10.0, 0.0))
    alone = flicker(images, [redrawn([image])[0] for image in images])
    assert held < free
    assert free < alone
    assert held < 0.25 * alone


def test_the_same_call_gives_the_same_bits():
    first, second = redrawn(ball(3)), redrawn(ball(3))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_strokes_go_along_with_what_moves():
    wide = scene((40, 80), seed=4)
    images = [window(wide, 3 * number)[0] for number in range(4)]
    drawn = redrawn(images)
    on, off = [], []
    for before, after in itertools.pairwise(drawn):
        on.append(float((after[..., :-3] - before[..., 3:]).abs().mean()))
        off.append(float((after - before).abs().mean()))
    assert sum(on) < 0.5 * sum(off)


def test_a_cut_begins_anew():
    other = 1 - window(scene(seed=9), 4)[0]
    assert is_cut(other[None], STILL[None])
    evaluated = []
    drawn = redrawn([STILL, STILL, other], told=lambda *heard: evaluated.append(heard))
    assert [number for number, _ in evaluated] == [0, 1, 2]
    assert ["steady" in losses for _, losses in evaluated] == [False, True, False]
    assert torch.equal(drawn[2], redrawn([other])[0])


def test_what_moves_is_no_cut_and_another_size_is_one():
    wide = scene((40, 80), seed=4)
    assert not is_cut(window(wide, 0), window(wide, 6))
    assert is_cut(STILL[None], STILL[None, :, :20])


def test_alpha_stays_and_grey_becomes_colour():
    alpha = torch.linspace(0, 1, 48).expand(1, 32, 48)
    for image in redrawn([torch.cat([STILL, alpha])] * 2):
        assert torch.equal(image[3:], alpha)
    assert redrawn([STILL[:1]])[0].shape == (3, 32, 48)


def test_what_a_mask_hides_stays():
    mask = torch.zeros(1, 1, 32, 48)
    mask[..., :24] = 1
    for image, before in zip(redrawn(ball(2), mask=mask), ball(2), strict=True):
        assert torch.equal(image[..., 24:], before[..., 24:])
        assert not torch.equal(image[..., :24], before[..., :24])


def test_kept_colours_and_no_strength():
    images = ball(2)
    assert all(map(torch.equal, redrawn(images, strength=0.0), images))
    kept = redrawn(images, keep=True)[1]
    chroma = [(image[2] - image.mean(0)).flatten() for image in (kept, images[1])]
    assert torch.corrcoef(torch.stack(chroma))[0, 1] > 0.8


def test_a_loop_closes():
    images = [STILL.roll(round(4 * x), 2) for x in (0, 1, 2, 1.5, 1, 0.5)]
    assert is_loop(Frame(image, "") for image in images)
    seams = []
    for closed in (False, True):
        drawn = redrawn(images, closed=closed)
        seams.append(float((drawn[-1].roll(-2, 2) - drawn[0]).abs().mean()))
    assert seams[1] < 0.9 * seams[0]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_are_no_loop(count):
    assert not is_loop([Frame(STILL, "")] * count)


def test_a_pan_is_no_loop():
    wide = scene((40, 80), seed=4)
    assert not is_loop(Frame(window(wide, number)[0], "") for number in range(8))


def test_flicker_by_hand():
    black, white = torch.zeros(3, 1, 2), torch.ones(3, 1, 2)
    half = torch.cat([black[..., :1], white[..., :1]], 2)
    assert flicker([black, black], [black, white]) == 1
    assert flicker([black, half], [black, white * 0.5]) == 0.5  # only the left pixel stands still
    assert flicker([black, white], [black, white]) == 0


def test_what_does_not_optimise_draws_each_frame_for_itself():
    class Negative:
        def redraw(self, image, styles, *, alpha=None):
            return 1 - image

    made = redraw_frames(Negative(), frames(ball(2)), [], steadiness=10.0)
    for frame, before in zip(made, ball(2), strict=True):
        assert torch.equal(frame.image, 1 - before)
