"""The Typer application: the commands, and the one place that makes exit codes."""

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
from artgan.cli.settingsfile import of_components, read_settings, trusted_folders
from artgan.cli.strangers import PANEL, Stranger, load, strangers, summaries, without_completion
from artgan.discovery import FOLDERS, LEFT_OUT, check_names, join_folders, look
from artgan.errors import ArtganError
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
    "run": Command("artgan.cli.run:app", "Run a pipeline from a file.", "Make"),
    "stylize": Command(
        "artgan.cli.stylize:app", "Redraw pictures in the style of another.", "Make"
    ),
    "fit-style": Command(
        "artgan.cli.fit_style:app", "Fit a network that redraws pictures at once.", "Make"
    ),
    "demo": Command(
        "artgan.cli.demo:app", "See it all: draw, train, sample, walk, stylize.", "Make"
    ),
    "compare": Command(
        "artgan.cli.compare:app", "Train several architectures at equal time.", "Look"
    ),
    "evaluate": Command(
        "artgan.cli.evaluate:app", "Measure a run's pictures, or judge redrawn ones.", "Look"
    ),
    "show": Command("artgan.cli.show:app", "Print how a file was made.", "Look"),
    "check": Command("artgan.cli.check:app", "Say what training would make of a folder.", "Look"),
    "runs": Command("artgan.cli.runs:app", "List runs, or remove old checkpoints.", "Look"),
    "diagnose": Command("artgan.cli.diagnose:app", "Say how a run went, with curves.", "Look"),
    "plugins": Command("artgan.cli.plugins:app", "List plug-ins, begin one, and check it.", "Look"),
    "env": Command("artgan.cli.env:app", "Print versions and devices.", "Look"),
    "pack": Command("artgan.cli.pack:app", "Make one safe file of a trained run.", "Keep"),
    "cache": Command("artgan.cli.cache:app", "Show or clear the prepared pictures.", "Keep"),
}


def _load(name: str) -> Any:
    from artgan.plugins import import_object

    command = typer.main.get_command(import_object(COMMANDS[name].target))
    command.name = name
    return without_completion(command)


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run, not when they are listed.

    What third parties bring is looked for only where commands are listed, and where a name is none
    of artgan's own.
    """

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, command in COMMANDS.items():
            self.commands[name] = TyperCommand(
                name=name, help=command.summary, rich_help_panel=command.panel
            )
        self._strangers: list[Stranger] | None = None

    def strangers(self) -> list[Stranger]:
        """Return third parties' commands; from then on those that can be typed are suggested."""
        if self._strangers is None:
            self._strangers = strangers(COMMANDS)
            for name, line in summaries(self._strangers).items():
                self.commands[name] = TyperCommand(name=name, help=line, rich_help_panel=PANEL)
        return self._strangers

    def load(self, name: str) -> Any:
        """Return a command, imported now."""
        if name in COMMANDS:
            return _load(name)
        return load(next(s for s in self.strangers() if s.name == name and s.status != "off"))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, artgan's own first."""
        self.strangers()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what stands for a command in the help, None for an unknown name."""
        if cmd_name not in COMMANDS:
            self.strangers()
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the imported command and the rest of the arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else self.load(name), rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "ARTGAN", "help_option_names": ["-h", "--help"]},
    epilog="Start with: artgan demo",
)


def _export(ctx: Any, variable: str, value: str) -> None:
    """Put a setting where processes that artgan starts find it, until the command has ended."""
    before = os.environ.get(variable)
    if value == before:
        return

    def set_to(text: str | None) -> None:
        if text is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = text
        loaded = sys.modules.get("artgan.registry")
        if loaded is not None:  # it knows other plug-ins
            loaded.registry.cache_clear()

    set_to(value)
    ctx.call_on_close(lambda: set_to(before))


def _leave_out(ctx: typer.Context, names: list[str] | None) -> list[str] | None:
    if names and not ctx.resilient_parsing:
        _export(ctx, LEFT_OUT, ",".join(names))
    return names


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
    plugins_dir: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugins-dir",
            metavar="DIR",
            help="Folder of plug-ins that are only NAME.py or NAME/__init__.py; may be repeated.",
        ),
    ] = None,
    no_plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--no-plugin",
            metavar="NAME",
            is_eager=True,  # before the commands are listed
            callback=_leave_out,
            help="Leave a plug-in out, by its name or its package; may be repeated.",
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
    if ctx.resilient_parsing:
        return
    file = config if config is not None else Path(SETTINGS_FILE)
    folders = plugins_dir
    if config is not None or file.is_file():
        group, run = ctx.command, ctx.invoked_subcommand
        assert isinstance(group, LazyGroup)
        ctx.obj, named = read_settings(
            file,
            COMMANDS,
            lambda: [stranger.name for stranger in group.strangers()],
            lambda name: group.load(name) if name in COMMANDS or name == run else None,
        )
        ctx.default_map = {name: ctx.obj[name] for name in ctx.obj if not of_components(name)}
        folders = folders or trusted_folders(file, named, asked=config is not None)
    if folders:
        _export(ctx, FOLDERS, join_folders(folders))
    if no_plugin:
        from artgan.registry import BUILT_IN

        check_names(look(), BUILT_IN)


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
