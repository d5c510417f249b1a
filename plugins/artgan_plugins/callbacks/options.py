"""Options of callbacks. No torch."""

from __future__ import annotations

from pydantic import Field

from artgan.options import Options

__all__ = ["TensorboardOptions"]


class TensorboardOptions(Options):
    """What goes where."""

    folder: str = Field(
        "tensorboard", min_length=1, description="folder for its files, in the run's own folder"
    )
    pictures: bool = Field(True, description="whether grids are logged too")
