"""What is tried where a file must not be larger than so much does make it smaller, step by step."""

import pytest
import torch
from PIL import features

from artgan.registry import Registry

COMPONENTS = Registry(entry_points=())


@pytest.mark.parametrize(
    ("name", "suffix", "usual"),
    [
        ("webp", ".webp", {}),
        ("webp", ".webp", {"lossless": True}),
        ("avif", ".avif", {}),
        ("video", ".mp4", {}),
        ("video", ".webm", {}),
    ],
)
def test_each_step_makes_smaller_files(tmp_path, name, suffix, usual):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow knows no AVIF")
    if name == "video":
        pytest.importorskip("av")
    entry = COMPONENTS.find("writers", name)
    random = torch.Generator().manual_seed(0)
    ramp = torch.linspace(0.2, 0.8, 64).expand(3, 64, 64)
    images = [ramp + 0.05 * torch.randn(3, 64, 64, generator=random) for _ in range(3)]
    sizes = []
    for step in ((), *entry.record.smaller):
        options = COMPONENTS.options(entry, {**usual, **dict(step)})
        path = tmp_path / f"a{suffix}"
        writer = COMPONENTS.build(
            entry, options, path, size=(64, 64), fps=25.0, loop=0, recipe=None
        )
        for image in images:
            writer.write(image, name="x", seconds=None)
        writer.close()
        sizes.append(path.stat().st_size)
    assert len(sizes) > 2
    assert all(after < before for before, after in zip(sizes, sizes[1:], strict=False))


def test_what_is_lossless_has_no_such_step():
    assert COMPONENTS.find("writers", "apng").record.smaller == ()
