"""The Typer application: the commands, settings files, and the one place that makes exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from artgan import __version__
from artgan.errors import ArtganError, ConfigError, nearest
from artgan.screen import safe, say

__all__ = ["COMMANDS", "Command", "LazyGroup", "app", "root", "run"]

SETTINGS_FILE = "artgan.toml"


@dataclass(frozen=True)
class Command:
    """A command: the Typer application that it is, imported on use, and its line in the help."""

    target: str
    summary: str
    panel: str


COMMANDS: dict[str, Command] = {
    "train": Command("artgan.cli.train:app", "Train a GAN on a folder of pictures.", "Make"),
    "sample": Command("artgan.cli.sample:app", "Draw pictures from a run.", "Make"),
    "walk": Command("artgan.cli.walk:app", "Render a looping walk through latents.", "Make"),
    "invert": Command("artgan.cli.invert:app", "Find photos in a run's latent space.", "Make"),
    "like": Command("artgan.cli.like:app", "Remember the seeds you like.", "Make"),
    "remake": Command("artgan.cli.remake:app", "Make a file again from its recipe.", "Make"),
    "stylize": Command(
        "artgan.cli.stylize:app", "Redraw pictures in the style of another.", "Make"
    ),
    "fit-style": Command(
        "artgan.cli.fit_style:app", "Fit a network that redraws pictures at once.", "Make"
    ),
    "demo": Command(
        "artgan.cli.demo:app", "See it all: draw, train, sample, walk, stylize.", "Make"
    ),
    "evaluate": Command(
        "artgan.cli.evaluate:app", "Measure a run's pictures, or judge redrawn ones.", "Look"
    ),
    "show": Command("artgan.cli.show:app", "Print how a file was made.", "Look"),
    "check": Command("artgan.cli.check:app", "Say what training would make of a folder.", "Look"),
    "runs": Command("artgan.cli.runs:app", "List runs, or remove old checkpoints.", "Look"),
    "diagnose": Command("artgan.cli.diagnose:app", "Say how a run went, with curves.", "Look"),
    "plugins": Command("artgan.cli.plugins:app", "List plug-ins and show components.", "Look"),
    "env": Command("artgan.cli.env:app", "Print versions and devices.", "Look"),
    "pack": Command("artgan.cli.pack:app", "Make one safe file of a trained run.", "Keep"),
    "cache": Command("artgan.cli.cache:app", "Show or clear the prepared pictures.", "Keep"),
}


def _load(name: str) -> Any:
    from artgan.plugins import import_object

    command = typer.main.get_command(import_object(COMMANDS[name].target))
    command.name = name
    mine = {"install_completion", "show_completion"}  # of the whole program, not of a command
    command.params = [p for p in command.params if p.name not in mine]
    return command


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run, not when they are listed."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, command in COMMANDS.items():
            self.commands[name] = TyperCommand(
                name=name, help=command.summary, rich_help_panel=command.panel
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the imported command and the rest of the arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _load(name) if name in COMMANDS else command, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "ARTGAN", "help_option_names": ["-h", "--help"]},
    epilog="Start with: artgan demo",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"artgan {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help=f"Settings file; ./{SETTINGS_FILE} is read where there is one.", metavar="FILE"
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            allow_from_autoenv=False,
            help="Print it.",
        ),
    ] = False,
) -> None:
    """Train GANs on your own pictures, walk their latent space, and make art with it.

    A setting is taken from its flag, else from ARTGAN_COMMAND_FLAG in the environment, else from
    the settings file, else its default holds.
    """
    file = config if config is not None else Path(SETTINGS_FILE)
    if ctx.resilient_parsing or (config is None and not file.is_file()):
        return
    ctx.obj = settings = _read_settings(file)
    ctx.default_map = {name: table for name, table in settings.items() if name in COMMANDS}


def _read_settings(file: Path) -> dict[str, Any]:
    from artgan.api import KINDS
    from artgan.config import load_toml

    settings = load_toml(file)
    settings.pop("run", None)  # a run's own config.toml says there which run it was
    for name, table in settings.items():
        if name not in {*COMMANDS, *KINDS}:
            raise ConfigError(
                f"{safe(file)}: [{safe(name)}] is not a table of settings: "
                f"{nearest(name, [*COMMANDS, *KINDS])}"
            )
        if not isinstance(table, dict):
            raise ConfigError(f"{safe(file)}: {safe(name)} must be a table, [{safe(name)}]")
        if name in COMMANDS:
            _check_table(file, name, table, _load(name))
    return settings


def _check_table(file: Path, where: str, table: dict[str, Any], command: Any) -> None:
    """Refuse what a command, or a command of a group, has no setting for."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    known = [*(parameter.name or "" for parameter in command.params), *inner]
    for key, value in table.items():
        if key not in known:
            raise ConfigError(
                f"{safe(file)}: [{where}] {safe(key)} is not a setting: {nearest(key, known)}"
            )
        if key in inner:
            if not isinstance(value, dict):
                raise ConfigError(f"{safe(file)}: {where}.{key} must be a table, [{where}.{key}]")
            _check_table(file, f"{where}.{key}", value, inner[key])


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 done, 1 the work failed, 2 wrong call, 130 SIGINT, 143 SIGTERM. Errors are one line on
    stderr; ARTGAN_DEBUG=1 shows where they came from.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    command = typer.main.get_command(app)
    try:
        code = command.main(
            list(args) if args is not None else None, prog_name="artgan", standalone_mode=False
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except ArtganError as error:
        return _fail(str(error), error.exit_code)
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe went away: nobody is left to tell
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        from artgan.files import explain

        where = f" {safe(error.filename)}" if error.filename else ""
        return _fail(f"cannot use{where}: {explain(error)}", 1)
    except Exception as error:
        format_message: Callable[[], str] | None = getattr(error, "format_message", None)
        if format_message is not None:  # a wrong call, found by Typer
            return _usage(error, format_message())
        from artgan.plugins import no_memory

        if no_memory(error):
            return _fail("out of memory: try a smaller --batch or --size", 1)
        return _bug(error)


def _fail(message: str, code: int) -> int:
    if os.environ.get("ARTGAN_DEBUG", "") not in {"", "0"}:
        traceback.print_exc()
    say(f"artgan: {message}")
    return code


def _usage(error: Exception, message: str) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
        return 2
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "artgan"
    text = " ".join(safe(line) for line in message.split("\n") if line.strip()).rstrip(".")
    return _fail(f"{text}; see '{path} --help'", 2)


def _bug(error: Exception) -> int:
    import platformdirs

    from artgan.files import write_text

    text = "".join(traceback.format_exception(error))
    cause = f"{type(error).__name__}: {safe(str(error).splitlines()[0] if str(error) else '')}"
    message = f"unexpected failure, which is a mistake in artgan or a plug-in ({cause})"
    with contextlib.suppress(Exception):
        log = platformdirs.user_log_path("artgan") / "failure.txt"
        write_text(log, f"artgan {__version__}\n{text}")
        message += f"; the details are in {safe(log)}"
    return _fail(message, 1)
