"""What a picture is judged by, whole and by tiles."""

import pytest
import torch
from torch.testing import assert_close

from artgan.criterion import Criterion, Part, Region, blend
from artgan.errors import PluginError
from artgan.registry import registry

SIZE = (96, 130)


def picture(seed, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 9, generator=random)
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0.02, 0.98)


@pytest.fixture(scope="module")
def extractor():
    entry, options = registry().configure(
        "extractors",
        "patch-kmeans",
        {"extractors": {"patch-kmeans": {"widths": (6, 8, 8), "patches": 200}}},
    )
    built = registry().build(entry, options)
    built.fit([picture(0)], [picture(1)], random=torch.Generator().manual_seed(0))
    return built


def part(extractor, name, weight=1.0, layers=None):
    entry, options = registry().configure("losses", name, {})
    looks = {"style": extractor.style_layers, "content": extractor.content_layers}
    layers = layers or looks.get(entry.record.looks_at, ("pixels",))
    return Part(name, entry, registry().build(entry, options), weight, tuple(layers))


def criterion(extractor, names, tile, mask=None):
    parts = [part(extractor, name, weight) for name, weight in names.items()]
    made = Criterion(extractor, parts, tile=tile)
    made.content = made.targets(picture(0), "content")
    made.regions = [Region(made.targets(picture(1), "style"), mask)]
    return made


ALL = {"content": 0.5, "gram": 1.0, "moments": 0.7, "total-variation": 2.0}


@pytest.mark.parametrize("masked", [False, True])
def test_tiles_say_what_the_whole_says(extractor, masked):
    mask = torch.linspace(0, 1, SIZE[1]).expand(1, 1, *SIZE).contiguous() if masked else None
    whole = criterion(extractor, ALL, 1024, mask)
    tiled = criterion(extractor, ALL, 32, mask)
    image = picture(2)
    values, gradient = whole.evaluate(image)
    parts, slope = tiled.evaluate(image)
    assert parts.keys() == values.keys() == ALL.keys()
    for name in values:
        assert parts[name] == pytest.approx(values[name], rel=0.02)
    scale = float(gradient.abs().max())
    assert_close(slope, gradient, atol=0.08 * scale, rtol=0)


def test_the_gradient_is_that_of_the_sum(extractor):
    made = criterion(extractor, ALL, 1024)
    image = picture(2).clone()
    _, gradient = made.evaluate(image)
    random = torch.Generator().manual_seed(0)
    step = torch.randn(image.shape, generator=random) * 1e-3
    above, below = (sum(made.evaluate(image + s * step)[0].values()) for s in (1, -1))
    assert float((gradient * step).sum()) * 2 == pytest.approx(above - below, rel=0.05)


def test_a_picture_at_its_target_costs_nothing(extractor):
    made = criterion(extractor, {"content": 1.0}, 1024)
    assert made.evaluate(picture(0))[0]["content"] == pytest.approx(0, abs=1e-9)
    styled = criterion(extractor, {"gram": 1.0}, 1024)
    assert styled.evaluate(picture(1))[0]["gram"] == pytest.approx(0, abs=1e-9)


def test_weights_multiply(extractor):
    once = criterion(extractor, {"gram": 1.0}, 1024).evaluate(picture(2))
    thrice = criterion(extractor, {"gram": 3.0}, 1024).evaluate(picture(2))
    assert thrice[0]["gram"] == pytest.approx(3 * once[0]["gram"])
    assert_close(thrice[1], 3 * once[1])


def test_what_a_mask_hides_gets_no_gradient_of_style(extractor):
    mask = torch.zeros(1, 1, *SIZE)
    mask[..., :40] = 1
    made = criterion(extractor, {"gram": 1.0}, 1024, mask)
    _, gradient = made.evaluate(picture(2))
    reach = max(extractor.margin(layer) for layer in extractor.layers)
    assert gradient[..., 48 + reach :].abs().max() == 0
    assert gradient[..., :40].abs().max() > 0


def test_blended_targets_are_means():
    one, other = {"a": torch.zeros(1, 2)}, {"a": torch.ones(1, 2)}
    assert_close(blend([one, other], [0.25, 0.75])["a"], torch.full((1, 2), 0.75))


def test_a_loss_of_another_shape_is_named(extractor):
    made = part(extractor, "gram")

    class Broken:
        layers = ()

        def statistics(self, features, mask=None):
            return {"x": torch.zeros(1, 1)}

        def compare(self, statistics, target):
            return torch.zeros(2, requires_grad=True)

    broken = Part("gram", made.entry, Broken(), 1.0, made.layers)
    whole = Criterion(extractor, [broken])
    whole.regions = [Region({"gram": {"x": torch.zeros(1, 1)}})]
    with pytest.raises(PluginError) as caught:
        whole.evaluate(picture(2))
    assert str(caught.value) == (
        "loss 'artgan:gram' gave (2,) for one picture, expected a tensor of shape (1,)"
    )


def test_where_everything_is_masked_nothing_is_asked(extractor):
    made = criterion(extractor, {"gram": 1.0}, 1024, torch.zeros(1, 1, *SIZE))
    values, gradient = made.evaluate(picture(2))
    assert values == {}
    assert not bool(gradient.any())
