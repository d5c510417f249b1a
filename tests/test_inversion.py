"""Inversion: a network's own pictures are found again; latents stay where draws are."""

import math

import pytest
import torch
from fakes import MappedGenerator, fake_model, model_of
from PIL import Image
from torch.testing import assert_close

from artgan.errors import CheckpointError, ShapeError
from artgan.inversion import _laplacian, _oklab, _polished, invert, invert_picture
from artgan.latents import draw
from artgan.pictures import PictureSpec, UnreadablePicture
from artgan.rendering import codes_of, mean_code, render


def drawn(model, seed):
    z = draw([seed], model.generator.z_dim, model.prior)
    return next(iter(render(model, codes_of(model, z)))).clone()


@pytest.mark.parametrize("prior", ["gaussian", "sphere"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_its_own_pictures_are_found_again(prior, channels):
    model = fake_model(channels=channels, prior=prior)
    picture = drawn(model, 123456)
    found = invert(model, picture, starts=32, steps=300)
    assert found.distance < 0.001 < 0.01 < found.start
    assert found.space == "z"
    assert_close(found.image, picture.clamp(0, 1), atol=0.02, rtol=0)
    length = float(found.code.norm())
    if prior == "sphere":
        assert length == pytest.approx(math.sqrt(8), rel=1e-5)
    else:
        assert math.sqrt(8) - 3 / math.sqrt(2) <= length + 1e-5
        assert length - 1e-5 <= math.sqrt(8) + 3 / math.sqrt(2)


def test_the_same_call_finds_the_same_and_weights_stay():
    model = fake_model()
    before = {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}
    picture = torch.rand(3, 8, 12, generator=torch.Generator().manual_seed(1))
    first, second = (invert(model, picture, starts=16, steps=20) for _ in range(2))
    assert torch.equal(first.code, second.code)
    assert first.distance <= first.start
    other = invert(model, picture, starts=16, steps=20, seed=1)
    assert not torch.equal(first.code, other.code)
    for name, tensor in model.generator.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_without_steps_it_is_the_best_seed():
    model = fake_model()
    picture = torch.full((3, 8, 12), 0.5)
    found = invert(model, picture, starts=40, steps=0)
    assert found.distance == found.start
    worse = invert(model, picture, starts=1, steps=0)
    assert found.distance < worse.distance


@pytest.mark.parametrize("layers", [None, 4])
def test_a_network_with_a_mapping_is_searched_in_w(layers):
    model = model_of(MappedGenerator(8, 3, (8, 12), layers))
    picture = drawn(model, 99)
    found = invert(model, picture, starts=32, steps=200)
    assert found.space == "w"
    assert found.distance < 0.02
    assert_close(next(iter(render(model, found.code[None]))), found.image)


def test_steps_that_go_astray_are_left_out():
    """Slopes that are not numbers end a descent; what needs none goes on from the best seed."""
    model = fake_model()
    picture = drawn(model, 99)
    seed = invert(model, picture, starts=8, steps=0)
    original = model.generator.render

    def broken(codes):
        pictures = original(codes)
        if codes.requires_grad:
            codes.register_hook(lambda slope: slope * torch.nan)
        return pictures

    model.generator.render = broken
    found = invert(model, picture, starts=8, steps=3)
    assert found.distance < found.start == seed.start


def test_what_cannot_be_is_refused():
    model = fake_model()
    with pytest.raises(ShapeError, match=r"a picture of shape \(3, 4, 4\), expected \(3, 8, 12\)"):
        invert(model, torch.zeros(3, 4, 4))
    original = model.generator.render
    model.generator.render = lambda codes: tuple(p.detach() for p in original(codes))
    with pytest.raises(CheckpointError, match="cannot be differentiated: photos are not found"):
        invert(model, torch.zeros(3, 8, 12), starts=4, steps=3)


def test_photos_are_brought_to_what_the_network_draws(tmp_path):
    path = tmp_path / "me.png"
    Image.new("RGB", (60, 40), (255, 0, 0)).save(path)
    fitting = PictureSpec((8, 12), 3, "crop", "white")
    found, picture = invert_picture(path, fake_model(), fitting=fitting, starts=8, steps=5)
    assert_close(picture, torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 8, 12))
    assert found.code.shape == (8,)
    (tmp_path / "no.png").write_bytes(b"no")
    with pytest.raises(UnreadablePicture):
        invert_picture(tmp_path / "no.png", fake_model(), fitting=fitting)


def test_oklab_of_known_colours():
    """White is (1, 0, 0), black (0, 0, 0); red as Ottosson's table has it."""
    colours = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]])[..., None, None]
    expected = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0.628, 0.225, 0.126]])
    assert_close(_oklab(colours)[..., 0, 0], expected, atol=1e-3, rtol=0)


def test_a_laplacian_pyramid_adds_up():
    image = torch.rand(1, 3, 16, 16)
    levels = _laplacian(image)
    assert [level.shape[-1] for level in levels] == [16, 8, 4]
    whole = levels[-1]
    for level in reversed(levels[:-1]):
        whole = level + torch.nn.functional.interpolate(whole, scale_factor=2, mode="nearest")
    assert_close(whole, image)


def test_codes_of_many_numbers_are_left_as_descent_found_them():
    model = model_of(MappedGenerator(4, 3, (8, 8), 4, width=600))
    code = mean_code(model)
    found = _polished(model, code, "w", torch.rand(1, 3, 8, 8))
    assert torch.equal(found, code)
