import io

import torch
from rich.console import Console

from artgan.cli.live import LineWatcher, LiveWatcher, clock, figures, half_blocks
from artgan.watching import Status

STATUS = Status(1500, 4000, 50.0, {"D/adversarial": 1.25, "sign_accuracy": 0.5, "bad": 0.0}, 30, 0)


def test_half_blocks_put_two_pixels_in_a_character():
    image = torch.zeros(3, 3, 2)
    image[0, 0] = 1  # the top row is red
    text = half_blocks(image)
    assert text.plain == "▀▀\n▀▀\n"
    style = text.spans[0].style
    assert style.color.triplet == (255, 0, 0)
    assert style.bgcolor.triplet == (0, 0, 0)


def test_alpha_is_laid_on_white_and_grey_is_grey():
    clear = half_blocks(torch.zeros(4, 2, 1)).spans[0].style
    assert clear.color.triplet == (255, 255, 255)
    grey = half_blocks(torch.full((1, 2, 1), 0.2)).spans[0].style
    assert grey.color.triplet == (51, 51, 51)


def test_lines_come_now_and_then(capsys):
    with LineWatcher() as watcher:
        for _ in range(3):
            watcher.step(STATUS)
        watcher.note("noted [red]")
        watcher.warn("careful")
    assert capsys.readouterr().err == (
        "1.5 of 4.0 kimg  50 pictures/s  left 0:50  D/adversarial 1.250  sign accuracy +0.50\n"
        "noted [red]\n"
        "artgan: careful\n"
    )


def terminal(width, out=None):
    return Console(
        file=out or io.StringIO(),
        force_terminal=True,
        width=width,
        color_system="truecolor",
        markup=False,
        highlight=False,
    )


def test_live_display_shows_it_all_and_takes_text_literally(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    screen = terminal(80, out)
    with LiveWatcher(screen) as watcher:
        watcher.working("looking at files", 1, 2)
        watcher.note("a [/b] name")
        watcher.step(STATUS)
        assert watcher.preview_count == 8
        watcher.preview(torch.rand(8, 3, 32, 32))
        watcher._live.refresh()
    text = out.getvalue()
    for part in ("a [/b] name", "1.5 of 4.0 kimg", "sign accuracy +0.50", "▀", "Ctrl-C saves"):
        assert part in text


def test_a_narrow_or_colourless_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    with LiveWatcher(terminal(5)) as watcher:
        assert watcher.preview_count == 2
        watcher.step(STATUS)
        watcher._live.refresh()
    assert LiveWatcher(Console(file=io.StringIO(), color_system=None)).preview_count == 0


def test_clock_and_figures():
    assert [clock(s) for s in (None, 0, 59.6, 3600)] == ["-:--", "0:00", "1:00", "1:00:00"]
    assert figures({"bad": 0.5}) == "non-finite steps skipped"


def test_a_reader_that_went_away_does_not_end_training(monkeypatch):
    from artgan.cli import live

    def broken(line):
        raise BrokenPipeError

    monkeypatch.setattr(live, "say", broken)
    watcher = LineWatcher()
    watcher.step(STATUS)
    watcher.note("x")
    watcher.warn("x")
