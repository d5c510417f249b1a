"""Turns the fields of a settings model into Typer options: help and defaults are told once."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import BaseModel

__all__ = ["argument", "flag", "given", "option_of_components"]


def _help(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    text = (field.description or "").strip()
    text = text[:1].upper() + text[1:]
    default = field.default
    if field.is_required() or field.default_factory or default in (None, False, ()):
        return f"{text}."
    if isinstance(default, tuple):
        default = ", ".join(map(str, default))
    return f"{text}. \\[default: {default}]"  # escaped: help texts are rich markup


def flag(model: type[BaseModel], name: str, *names: str, **more: Any) -> Any:
    """Return a Typer option for a field of a model; what is not given stays None.

    Args:
        model: the settings.
        name: the field.
        names: how it is written, where that is not --name.
        more: handed to `typer.Option`.
    """
    more.setdefault("help", _help(model, name))
    return typer.Option(*names, show_default=False, show_envvar=False, **more)


def argument(model: type[BaseModel], name: str, **more: Any) -> Any:
    """Return a Typer argument for a field of a model."""
    more.setdefault("help", _help(model, name))
    return typer.Argument(show_default=False, show_envvar=False, **more)


def option_of_components(help_text: str = "An option of a component.") -> Any:
    """Return the Typer option --set, which may be given several times."""
    return typer.Option(
        "--set", help=help_text, metavar="KIND.NAME.OPTION=VALUE", show_envvar=False
    )


def given(**settings: Any) -> dict[str, Any]:
    """Return the settings that were given on the command line, in the environment or a file."""
    return {name: value for name, value in settings.items() if value is not None}
