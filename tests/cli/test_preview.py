import io

import pytest
import torch
from rich.console import Console

from artgan.cli import preview
from artgan.cli.preview import play, preview_side

RED = "\x1b[38;2;255;0;0;48;2;255;0;0m"


def terminal(width=80, height=24, colours="truecolor", **kwargs):
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        width=width,
        height=height,
        color_system=colours,
        **kwargs,
    )


@pytest.fixture(autouse=True)
def _can_be_redrawn(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR")


class Time:
    """A clock that goes on while it sleeps, and by a while each time something is drawn."""

    def __init__(self, monkeypatch, *, drawing=0.0):
        self.now = 100.0
        self.naps = []
        self.shown = []
        draw = preview._drawn

        def drawn(image, screen):
            self.now += drawing
            self.shown.append((round(self.now - 100, 6), round(float(image.mean()) * 31)))
            return draw(image, screen)

        monkeypatch.setattr(preview, "_drawn", drawn)

    def clock(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.naps.append(seconds)
        self.now += seconds + 1e-9


def greys(count, size=(2, 2)):
    return [torch.full((3, *size), k / 31) for k in range(count)]


@pytest.mark.parametrize(
    ("size", "width", "height", "expected"),
    [
        ((64, 64), 80, 40, (48, 48)),
        ((720, 1280), 80, 40, (28, 48)),  # 27, made even
        ((1280, 720), 80, 40, (48, 28)),
        ((32, 32), 80, 40, (32, 32)),  # not enlarged
        ((33, 7), 80, 40, (32, 8)),
        ((64, 64), 80, 24, (44, 44)),  # two lines stay free
        ((64, 64), 21, 24, (20, 20)),
        ((5, 1000), 80, 24, (2, 48)),
        ((64, 64), 1, 1, (2, 2)),
    ],
)
def test_sizes_fit_and_are_even(size, width, height, expected):
    assert preview_side(size, terminal(width, height)) == expected


def test_pictures_are_shown_and_nothing_is_left(monkeypatch):
    time = Time(monkeypatch)
    screen = terminal()
    red = torch.tensor([1.0, 0, 0]).view(3, 1, 1).expand(3, 4, 6)
    assert play([red], seconds=2.0, screen=screen, clock=time.clock, sleep=time.sleep)
    written = screen.file.getvalue()
    assert written.count("▀") == 24  # once, and once more as it ends
    assert RED in written
    assert "\x1b[?25l" in written  # the cursor hides ...
    assert "\x1b[?25h" in written  # ... and comes back,
    assert written.endswith("\x1b[1A\x1b[2K" * 2)  # and both lines are wiped
    assert sum(time.naps) == pytest.approx(2.0)


def test_ten_frames_a_second_at_most_each_drawn_once(monkeypatch):
    time = Time(monkeypatch)
    films = greys(25)
    assert play(films, seconds=1.0, times=3, screen=terminal(), clock=time.clock, sleep=time.sleep)
    assert [level for _, level in time.shown] == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]
    assert len(time.naps) == 30
    assert time.now == pytest.approx(103)


def test_few_pictures_are_shown_longer(monkeypatch):
    time = Time(monkeypatch)
    assert play(greys(4), seconds=2.0, screen=terminal(), clock=time.clock, sleep=time.sleep)
    assert time.shown == [(0.0, 0), (0.5, 1), (1.0, 2), (1.5, 3)]


def test_a_slow_terminal_misses_pictures_but_keeps_the_time(monkeypatch):
    time = Time(monkeypatch, drawing=0.25)
    assert play(greys(10), seconds=1.0, screen=terminal(), clock=time.clock, sleep=time.sleep)
    assert [level for _, level in time.shown] == [0, 3, 6, 9]
    assert time.now == pytest.approx(101.2)


def test_alpha_is_on_white_before_it_is_made_small(monkeypatch):
    time = Time(monkeypatch)
    image = torch.zeros(4, 96, 96)  # black that is not seen
    screen = terminal(height=60)
    assert play([image], seconds=0.1, screen=screen, clock=time.clock, sleep=time.sleep)
    assert "\x1b[38;2;255;255;255;48;2;255;255;255m" in screen.file.getvalue()
    assert ";0;0;0" not in screen.file.getvalue()


def test_an_interruption_goes_through_and_the_terminal_is_put_right(monkeypatch):
    time = Time(monkeypatch)
    screen = terminal()

    def interrupted(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(greys(4), seconds=1.0, screen=screen, clock=time.clock, sleep=interrupted)
    assert "\x1b[?25h" in screen.file.getvalue()


@pytest.mark.parametrize(
    "screen",
    [
        terminal(colours=None),
        terminal(colours="standard"),
        Console(file=io.StringIO(), force_terminal=False, color_system="truecolor"),
    ],
)
def test_without_colours_or_a_terminal_nothing_is_said(screen):
    assert play(greys(2), seconds=1.0, screen=screen) is False
    assert screen.file.getvalue() == ""


def test_stderr_that_is_no_terminal_stays_silent(capsys):
    assert play(greys(2), seconds=1.0) is False
    assert play([], seconds=1.0, screen=terminal()) is False
    assert capsys.readouterr() == ("", "")
