"""A trained generator as it is drawn from: loaded from a run or from a packed file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import (
    Architecture,
    Callback,
    CheckpointError,
    ComponentError,
    ConfigError,
    Extractor,
    Loss,
    Prior,
    Size,
)
from artgan.checkpoints import (
    FORMAT,
    Generation,
    digest,
    load_tensors,
    newest_sound,
    read_packed,
    read_sound,
    tensor_bytes,
)
from artgan.config import TrainConfig, component_tables, validate
from artgan.engine import pick_device
from artgan.files import write_bytes
from artgan.registry import Registry, registry
from artgan.runs import Reference, RunFolder, choose_generation, parse_reference
from artgan.screen import safe, say

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = [
    "Model",
    "Weights",
    "build_model",
    "find_weights",
    "open_model",
    "pack",
    "run_config",
    "tables_of",
    "weights_of",
]

_KEY = "artgan"
_NEEDED = ("ema.safetensors", "state.json")
_FACTS = {"config": dict, "run_id": str, "cur_nimg": int, "plugins": dict}
"""What a packed file tells of itself besides its format and digest, and as what."""


@dataclass(frozen=True)
class Model:
    """A generator ready to draw.

    Attributes:
        generator: the averaged one, in evaluation mode, on `device`.
        prior: how its latents are distributed.
        spaces: the latent spaces it has.
        size: (height, width) of its pictures.
        channels: of its pictures.
        device: where it is.
        origin: what a recipe keeps of where it came from; JSON-able.
        label: where it came from, in words.
    """

    generator: nn.Module
    prior: Prior
    spaces: tuple[str, ...]
    size: Size
    channels: int
    device: torch.device
    origin: dict[str, Any]
    label: str

    @property
    def z_dim(self) -> int:
        """Return how many numbers a latent has."""
        return int(self.generator.z_dim)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Weights:
    """An averaged generator's weights and the settings they were trained with.

    Attributes:
        ema: a safetensors file's bytes.
        config: the run's settings.
        run_id: the run's identity.
        cur_nimg: pictures it had seen.
        label: where it came from, in words.
        plugins: component -> the plug-in and version that supplied it.
        generation: its checkpoint, None for a packed file.
    """

    ema: bytes
    config: TrainConfig
    run_id: str
    cur_nimg: int
    label: str
    plugins: Mapping[str, str]
    generation: Generation | None = None

    @property
    def run(self) -> str:
        """Return what its run, or file, is called in messages, without the checkpoint."""
        return self.label.rpartition(" at ")[0] or self.label

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the weights, the same for a run and its packed file."""
        return digest(self.ema)


def run_config(tables: Mapping[str, Any], where: str) -> TrainConfig:
    """Return a run's settings from the tables of its config.toml.

    Raises:
        ConfigError: they are not such settings.
    """
    settings = dict(tables.get("train", {}))
    settings["components"] = components = component_tables(tables)
    with contextlib.suppress(ComponentError):  # said where it is built
        name = str(settings.get("arch"))
        record = registry().find(Architecture.kind, name).record
        own = components.setdefault(Architecture.kind, {}).setdefault(name.rpartition(":")[2], {})
        for option, value in getattr(record, "before", ()):
            own.setdefault(option, value)
    return validate(TrainConfig, settings, f"{where} [train]")


def find_weights(text: str, runs: Path) -> Weights:
    """Return the weights that RUN stands for on a command line.

    Args:
        text: a run folder, its number, `latest`, a packed file; with @latest or @PICTURES.
        runs: the folder that runs are in.

    Raises:
        PathError: there is no such run.
        CheckpointError: nothing sound is in it.
    """
    reference = parse_reference(text, runs)
    return _from_pack(reference) if reference.run is None else _from_run(reference)


def _from_run(reference: Reference) -> Weights:
    run = reference.run
    assert run is not None
    generation = choose_generation(run, reference.which)
    if generation is not None:
        return weights_of(run, generation)
    best = "" if reference.which == "latest" else run.marks().get("best", "")
    generation, data = newest_sound(run.checkpoints, _NEEDED, _warn, first=best)
    return _weights(run, generation, data)


def weights_of(run: RunFolder, generation: Generation) -> Weights:
    """Return the weights of a checkpoint.

    Raises:
        CheckpointError: it is damaged.
    """
    return _weights(run, generation, {name: read_sound(generation, name) for name in _NEEDED})


def _weights(run: RunFolder, generation: Generation, data: Mapping[str, bytes]) -> Weights:
    tables = run.config()
    state = json.loads(data["state.json"])
    return Weights(
        data["ema.safetensors"],
        run_config(tables, safe(run.name)),
        str(tables.get("run", {}).get("id", "")),
        generation.cur_nimg,
        f"run {safe(run.name)} at {generation.cur_nimg / 1000:g} kimg"
        + (", its best checkpoint" if generation.name == run.marks().get("best") else ""),
        state.get("plugins", {}),
        generation,
    )


def _warn(line: str) -> None:
    say(f"artgan: {line}")


def _from_pack(reference: Reference) -> Weights:
    path = reference.pack
    assert path is not None
    where = safe(path)
    what = "no packed run: expected a file made by 'artgan pack'"
    data, facts = read_packed(path, _KEY, FORMAT, what)
    ema = tensor_bytes(load_tensors(data, where))
    if digest(ema) != facts.get("digest"):
        raise CheckpointError(f"{where} is damaged: its weights are not those that were packed")
    for key, kind in _FACTS.items():
        if not isinstance(facts.get(key), kind):
            raise CheckpointError(f"{where} lacks what 'artgan pack' writes: '{key}'")
    if not isinstance(facts["config"].get("train"), dict):
        raise CheckpointError(f"{where} lacks what 'artgan pack' writes: 'config.train'")
    cur_nimg = facts["cur_nimg"]
    label = f"{safe(path.name)} at {cur_nimg / 1000:g} kimg"
    settings = run_config(facts["config"], where)
    return Weights(ema, settings, facts["run_id"], cur_nimg, label, facts["plugins"])


def open_model(
    ref: str, *, runs: Path, device: str = "auto", components: Registry | None = None
) -> Model:
    """Return the generator that RUN stands for, ready to draw.

    Args:
        ref: see `find_weights`.
        runs: the folder that runs are in.
        device: see `artgan.engine.pick_device`.
        components: None for the process's registry.

    Raises:
        PathError: there is no such run.
        CheckpointError: nothing sound is in it, or a plug-in that it needs is missing.
    """
    weights = find_weights(ref, runs)
    return build_model(weights, pick_device(device), components or registry())


def build_model(weights: Weights, device: torch.device, components: Registry) -> Model:
    """Return the generator that weights belong to, ready to draw.

    Raises:
        CheckpointError: a plug-in is missing, or the weights do not fit.
    """
    from artgan.building import build_networks
    from artgan.suppliers import as_named_here
    from artgan.weights import load_state

    kinds = (Architecture.kind,)
    config, lines = as_named_here(weights.config, weights.plugins, components, weights.run, kinds)
    for line in lines:
        components.say_once(f"artgan: {line}")
    try:
        entry, networks = build_networks(components, config)
    except ConfigError as error:
        raise CheckpointError(
            f"{weights.label} has settings that its architecture does not take any more: {error}"
        ) from error
    record = entry.record
    assert isinstance(record, Architecture)
    tensors = load_tensors(weights.ema, weights.label)
    try:
        load_state(networks.generator, tensors, weights.label)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; the code of its architecture is not what it was when this was saved"
        ) from error
    origin = {
        "run_id": weights.run_id,
        "arch": weights.config.arch,
        "cur_nimg": weights.cur_nimg,
        "digest": weights.digest,
    }
    return Model(
        networks.generator.eval().requires_grad_(False).to(device),
        record.latent_prior,
        record.spaces,
        weights.config.side,
        weights.config.channels,
        device,
        origin,
        weights.label,
    )


def pack(weights: Weights, path: Path, tables: Mapping[str, Any]) -> int:
    """Write one safe file of a run: its averaged generator and its settings, no pictures.

    Args:
        weights: what to pack.
        path: where; it should end in .artgan.
        tables: the run's config.toml; the folder of pictures, styles, and what else may tell of
            the machine are left out of the file.

    Returns:
        Its size in bytes.
    """
    left_out: dict[str, list[str]] = {"losses": [], "styles": [], "callbacks": []}
    train = {**tables.get("train", {}), "images": "packed", **left_out}
    kinds = {Loss.kind, Extractor.kind, Callback.kind}
    tables = {kind: table for kind, table in tables.items() if kind not in kinds}
    facts = {
        "format": FORMAT,
        "config": {**tables, "train": train},
        "run_id": weights.run_id,
        "cur_nimg": weights.cur_nimg,
        "plugins": dict(weights.plugins),
        "digest": weights.digest,
    }
    tensors: dict[str, Tensor] = load_tensors(weights.ema, weights.label)
    data = tensor_bytes(tensors, {_KEY: json.dumps(facts, sort_keys=True)})
    write_bytes(path, data)
    return len(data)


def tables_of(text: str, runs: Path) -> dict[str, Any]:
    """Return the config tables of a run folder that RUN stands for."""
    reference = parse_reference(text, runs)
    if not isinstance(reference.run, RunFolder):
        raise CheckpointError(f"{safe(text)} is packed already")
    return reference.run.config()
