"""What frames of every animation have in common: rates, sizes, tensors."""

from pathlib import Path

import numpy as np
import pytest

from artgan.framing import check_size, even_rate, frame_of
from artgan.pictures import UnreadablePicture


def test_rates_by_hand():
    assert even_rate([0.033, 0.034, 0.033], tick=0.0005) == 30
    assert even_rate([0.5, 0.5], tick=0.005) == 2
    assert even_rate([0.04, 0.4], tick=0.005) is None
    assert even_rate([1001 / 30000] * 3, tick=0.001, usual=30000 / 1001) == 30000 / 1001
    assert even_rate([0.0, 0.0], tick=0.005) is None


def test_a_frame_is_planes_in_unit_range():
    frame = frame_of(np.array([[[0, 51, 255, 102]]], np.uint8), 7, 0.5)
    assert (frame.name, frame.seconds) == ("frame000007", 0.5)
    assert frame.image.flatten().tolist() == pytest.approx([0, 0.2, 1, 0.4])


def test_too_many_pixels_are_refused():
    check_size(Path("a.mp4"), 4096, 2160)
    with pytest.raises(UnreadablePicture, match="too large: 20000x20000 px"):
        check_size(Path("a.mp4"), 20_000, 20_000)
