import torch
from test_stylist import SMALL, STYLE, stylist

from artgan.forecast import forecast, saved_bytes
from artgan.stylist import Style

STYLES = [Style(STYLE)]


def test_larger_pictures_take_more_and_tiles_less():
    small, large = (forecast(stylist(), size, STYLES) for size in ((256, 256), (2048, 2048)))
    assert small < large
    assert forecast(stylist(tile=256), (2048, 2048), STYLES) < large
    assert forecast(stylist(effort=1.0), (2048, 2048), STYLES) > large


def test_what_is_saved_grows_with_the_network():
    wide = {
        "extractors": {"patch-kmeans": {**SMALL["extractors"]["patch-kmeans"], "widths": (12, 16)}}
    }
    saved, targets = saved_bytes(stylist(), STYLES)
    assert saved_bytes(stylist(tables=wide), STYLES)[0] > saved > 4 * 6
    # content looks at stages 2 and 3, of 8 channels each, at a half and a quarter of the size
    assert targets == 4 * (8 / 4 + 8 / 16)


def test_a_trial_leaves_the_work_as_it_is():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(3))
    one, other = stylist(), stylist()
    forecast(other, (64, 64), STYLES)
    assert torch.equal(one.redraw(image, STYLES), other.redraw(image, STYLES))
