"""Keys: the places that a walk goes through, where they come from, and files of them. No networks.

A key is a seed, or a code that was found, as one number a dimension. Files of keys are TOML.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_serializer, model_validator

from artgan.api import ConfigError, PathError
from artgan.config import dump_toml, load_toml, validate
from artgan.files import write_text
from artgan.latents import draw, parse_seeds
from artgan.options import Options
from artgan.runs import parse_reference
from artgan.screen import safe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from artgan.api import Prior

__all__ = [
    "FAVOURITES",
    "KEYS_SUFFIX",
    "MAX_KEYS",
    "Key",
    "KeyFile",
    "favourites_of",
    "parse_keys",
    "read_keys",
    "write_keys",
]

_SCHEMA = 1
KEYS_SUFFIX = ".toml"
FAVOURITES = "favourites"
"""The word that stands for a run's own file of keys."""
MAX_KEYS = 10_000
MAX_CODE = 1_000_000
"""The most numbers that a code has."""

_SEED = re.compile(r"[0-9]+(\s*-\s*[0-9]+)?", re.ASCII)
_LARGEST_SEED = 10**18


class Key(Options):
    """A place in a latent space: a seed, or a code."""

    name: str = Field("", max_length=200, description="what it is called")
    seed: int | None = Field(None, ge=0, lt=_LARGEST_SEED, description="the seed that it is")
    code: tuple[float, ...] | None = Field(
        None, min_length=1, max_length=MAX_CODE, description="its code, row after row"
    )
    layers: int | None = Field(None, ge=1, description="rows of the code; None is a plain one")
    space: Literal["z", "w"] = Field("z", description="the latent space of the code")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.seed is None) == (self.code is None):
            raise ValueError("expected either a seed or a code")
        if self.seed is not None and (self.layers is not None or self.space != "z"):
            raise ValueError("expected a seed without layers and space, which are of codes")
        if self.code is not None and self.layers and len(self.code) % self.layers:
            raise ValueError("expected rows of equal length")
        return self

    @model_serializer(mode="plain")
    def _short(self) -> Any:
        """Return the seed alone where there is no more to it, else what is set."""
        if self.seed is not None:
            return self.seed if not self.name else {"name": self.name, "seed": self.seed}
        facts = {"name": self.name, "code": list(self.code or ()), "layers": self.layers}
        facts["space"] = self.space if self.space != "z" else None
        return {name: value for name, value in facts.items() if value not in (None, "")}

    @model_validator(mode="before")
    @classmethod
    def _long(cls, value: Any) -> Any:
        """Take a bare number as a seed."""
        is_seed = isinstance(value, int) and not isinstance(value, bool)
        return {"seed": value} if is_seed else value

    @classmethod
    def of_code(cls, name: str, code: Tensor, space: Literal["z", "w"] = "z") -> Key:
        """Return the key of a code, (d,) or (layers, d)."""
        layers = code.shape[0] if code.ndim == 2 else None
        values = tuple(code.detach().float().cpu().flatten().tolist())
        return cls(name=name, code=values, layers=layers, space=space)

    @property
    def label(self) -> str:
        """Return its name, or the seed, or what it is."""
        return self.name or ("without a name" if self.seed is None else str(self.seed))

    def tensor(self, z_dim: int, prior: Prior) -> Tensor:
        """Return its code, (d,) or (layers, d), float32, on the CPU; a seed's is drawn."""
        import torch

        if self.seed is not None:
            return draw([self.seed], z_dim, prior)[0]
        code: torch.Tensor = torch.tensor(self.code, dtype=torch.float32)
        return code if self.layers is None else code.unflatten(0, (self.layers, -1))


class KeyFile(Options):
    """What a file of keys holds."""

    schema_: Literal[1] = Field(1, alias="schema", description="version of the form")
    keys: tuple[Key, ...] = Field((), max_length=MAX_KEYS, description="in their order")
    origin: dict[str, Any] = Field(
        default_factory=dict, description="the run and checkpoint they were found with"
    )


def favourites_of(run: str, runs: Path) -> Path:
    """Return the file of keys that belongs to a run: in its folder, or beside its packed file.

    Args:
        run: RUN of a command line.
        runs: the folder that runs are in.

    Raises:
        PathError: there is no such run.
    """
    reference = parse_reference(run, runs)
    if reference.run is not None:
        return reference.run.path / f"{FAVOURITES}{KEYS_SUFFIX}"
    assert reference.pack is not None
    return reference.pack.with_suffix(f".{FAVOURITES}{KEYS_SUFFIX}")


def read_keys(path: Path) -> KeyFile:
    """Return what a file of keys holds.

    Raises:
        PathError: it cannot be read.
        ConfigError: it is no such file; one sentence for the first fault.
    """
    tables = load_toml(path)
    if "keys" not in tables:
        raise ConfigError(f"{safe(path)} is no file of keys: expected [[keys]] with a seed or code")
    return validate(KeyFile, tables, safe(path))


def write_keys(path: Path, keys: Sequence[Key], origin: Mapping[str, Any]) -> None:
    """Write a file of keys, whole or not at all.

    Args:
        path: where; its folder is made.
        keys: what goes into it.
        origin: the run and checkpoint they belong to, see `artgan.models.Model`.

    Raises:
        OutputError: it cannot be written.
    """
    rows = []
    for key in keys:
        row = key.model_dump(mode="json")
        rows.append(row if isinstance(row, dict) else {"seed": row})
    write_text(path, dump_toml({"schema": _SCHEMA, "origin": dict(origin), "keys": rows}))


def parse_keys(text: str, words: Mapping[str, Path] = MappingProxyType({})) -> list[Key | Path]:
    """Return the keys of a list such as "3,40-43,me.jpg,fav.toml", in order.

    Seeds and ranges become keys at once, everything else is the path of a file.

    Args:
        text: the list.
        words: words that stand for a file.

    Raises:
        ConfigError: it is no such list, or there are too many.
        PathError: there is no such file.
    """
    found: list[Key | Path] = []
    for part in (part.strip() for part in text.split(",")):
        if _SEED.fullmatch(part):
            seeds = parse_seeds(part)
            _check_count(len(found) + len(seeds))
            found += [Key(seed=seed) for seed in seeds]
        elif not part:
            raise ConfigError(
                f"keys {safe(repr(text))}: expected seeds, ranges and files, such as 3,40-43,me.jpg"
            )
        else:
            path = words.get(part, Path(part))
            if not os.path.isfile(path):
                if part in words:
                    raise PathError(f"there are no {safe(part)}, which would be in {safe(path)}")
                raise PathError(
                    f"key {safe(part)}: there is no file {safe(path)}, and it is no seed and no "
                    "range of them, such as 40-43"
                )
            found.append(path)
    _check_count(len(found))
    return found


def _check_count(count: int) -> None:
    if count > MAX_KEYS:
        raise ConfigError(f"{count:,} keys were given, {MAX_KEYS:,} are the most")
