"""The sheet of look-alikes: who stands where, and how large."""

import json

import torch
from fakes import fake_model
from PIL import Image

from artgan.images import RECIPE_KEY, from_bytes
from artgan.lookalikes import draw_sheet
from artgan.measuring import load_reals

PICTURES = torch.randint(0, 256, (10, 3, 8, 12), generator=torch.Generator().manual_seed(0)).byte()


class Batches:
    """Pictures in memory."""

    def __len__(self):
        return len(PICTURES)

    def batch(self, numbers):
        return PICTURES[list(numbers)]


def test_each_row_is_the_drawn_picture_then_its_reals(tmp_path):
    notes = []
    fakes = from_bytes(PICTURES[[7, 2]])
    reals = load_reals(PICTURES, 4)
    draw_sheet(tmp_path / "n.png", fakes, reals, Batches(), fake_model(), notes.append)
    with Image.open(tmp_path / "n.png") as sheet:
        seeds = json.loads(sheet.text[RECIPE_KEY])["evaluate"]["seeds"]
        assert sheet.size == (8 * 146 + 16, 2 * 98 + 2)  # 12x8 px enlarged 12 times
        for row, seed in enumerate(seeds):
            y = 2 + row * 98
            drawn = sheet.crop((2, y, 2 + 144, y + 96))
            nearest = sheet.crop((146 + 16, y, 146 + 16 + 144, y + 96))
            assert drawn.tobytes() == nearest.tobytes()
            small = PICTURES[[7, 2][seed]].permute(1, 2, 0).numpy()
            assert drawn.resize((12, 8), Image.Resampling.NEAREST).tobytes() == small.tobytes()
    assert notes == [
        "closest to a real one, row by row, in parts of its distance to the others: "
        + ", ".join(f"{seed} (0.00)" for seed in seeds)
    ]
