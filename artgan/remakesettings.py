"""The settings of a remake. No torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field

from artgan.options import Options
from artgan.walkplan import MAX_FRAMES
from artgan.walksettings import MaxSize

__all__ = ["RemakeConfig", "usual_out"]


class RemakeConfig(Options):
    """The settings of a remake; what is not given is as it was."""

    file: str = Field(description="picture or animation that artgan made")
    out: tuple[str, ...] = Field(
        (), description="output; its suffix is the format; none given: FILE's name with -remade"
    )
    fps: float | None = Field(None, ge=0.1, le=1000, description="frames a second")
    seconds: float | None = Field(None, gt=0, le=86400, description="length")
    frames: int | None = Field(None, ge=1, le=MAX_FRAMES, description="number of frames")
    scale: int | None = Field(None, ge=1, le=64, description="times as large as the network draws")
    plays: int | None = Field(None, ge=0, le=65535, description="times it plays; 0 is for ever")
    run: str | None = Field(
        None, description="another run or checkpoint to make it with; it will look different"
    )
    sign: str | None = Field(None, description="the picture of the signature, if it has one")
    stylize: tuple[str, ...] = Field((), description="the style pictures, if it was drawn in some")
    max_size: MaxSize = Field(
        None, description="the most that each file may take, such as 8MB; quality gives way"
    )
    overwrite: bool = Field(False, description="replace what exists")
    meta: bool = Field(True, description="keep the recipe in the file")
    runs: str = Field("runs", description="folder that runs are in")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    components: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="kind -> name -> options"
    )


def usual_out(path: Path) -> Path:
    """Return what a remade file is called, in the same folder.

    >>> usual_out(Path("a/walk.sheet.png")).as_posix()
    'a/walk-remade.sheet.png'
    """
    match = re.fullmatch(r"(.+?)((\.[A-Za-z]+)?\.[^.]*)?", path.name, re.DOTALL)
    stem, suffix = (match[1], match[2] or "") if match is not None else (path.name, "")
    return path.with_name(f"{stem}-remade{suffix}")
