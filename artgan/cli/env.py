"""`artgan env`: versions, devices, picture formats and plug-ins, to be pasted into a report."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Annotated, Any

import typer

from artgan import __version__
from artgan.registry import registry
from artgan.screen import safe

__all__ = ["app", "env"]

app = typer.Typer(add_completion=False)

_OPTIONAL = ("pillow-heif", "torchvision")


@app.command()
def env(
    as_json: Annotated[
        bool, typer.Option("--json", show_envvar=False, help="Print JSON instead of text.")
    ] = False,
) -> None:
    """Print versions, devices, picture formats and plug-ins."""
    found = _environment()
    if as_json:
        print(json.dumps({"version": 1, **found}, indent=2))
        return
    _print_tree(found)


def _environment() -> dict[str, Any]:
    return {
        "artgan": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "packages": _packages(),
        "devices": _devices(),
        "pictures": _pictures(),
        "cache": _cache(),
        "plug-ins": [_plugin(plugin) for plugin in registry().plugins],
    }


def _packages() -> dict[str, str]:
    """Return the version of each package that artgan depends on, "missing" where there is none."""
    try:
        requirements = metadata.requires("artgan") or []
    except metadata.PackageNotFoundError:  # run from its sources
        requirements = []
    names = {_name(line) for line in requirements if "extra ==" not in line}
    versions = {}
    for name in sorted(names | set(_OPTIONAL)):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed" if name in _OPTIONAL else "missing"
    return versions


def _name(requirement: str) -> str:
    """Return the name at the head of a requirement.

    >>> _name("typer<0.30,>=0.29")
    'typer'
    """
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), None)
    return requirement[:end]


def _devices() -> dict[str, str]:
    """Return what PyTorch can compute on; its refusal to load is a line of its own."""
    try:
        import torch
    except Exception as error:  # a broken installation is what this command is for
        return {"torch": f"cannot be imported: {type(error).__name__}: {error}"}
    devices = {"cpu": f"{torch.get_num_threads()} threads of {os.cpu_count()} CPUs"}
    for index in range(torch.cuda.device_count()):
        gib = torch.cuda.get_device_properties(index).total_memory / 2**30
        devices[f"cuda:{index}"] = f"{torch.cuda.get_device_name(index)}, {gib:.1f} GiB"
    if torch.version.cuda is not None:
        devices["cuda"] = f"PyTorch was built for CUDA {torch.version.cuda}"
    if torch.backends.mps.is_available():
        devices["mps"] = "available"
    return devices


def _pictures() -> dict[str, str]:
    """Return which of the less common picture formats can be read and written here."""
    from PIL import features

    formats = {name: "yes" if features.check(name.lower()) else "no" for name in ("AVIF", "WebP")}
    heic = importlib.util.find_spec("pillow_heif") is not None
    formats["HEIC"] = "yes" if heic else "no (pip install 'artgan[heic]')"
    formats["colour profiles"] = "yes" if features.check("littlecms2") else "no"
    return formats


def _cache() -> str:
    import platformdirs

    return os.environ.get("ARTGAN_CACHE") or str(platformdirs.user_cache_path("artgan"))


def _plugin(plugin: Any) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": plugin.status,
        "problems": plugin.problems,
    }


def _print_tree(found: Mapping[str, Any]) -> None:
    for key, value in found.items():
        if isinstance(value, str):
            print(f"{key}: {safe(value)}")
            continue
        print(f"{key}:")
        if isinstance(value, Mapping):
            for name, text in value.items():
                print(f"  {safe(name)}: {safe(text)}")
            continue
        for plugin in value:
            where = f"{plugin['distribution']} {plugin['version']}".strip()
            print(f"  {safe(plugin['name'])} ({safe(where)}): {plugin['status']}")
            for problem in plugin["problems"]:
                print(f"    {safe(problem)}")
