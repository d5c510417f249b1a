"""The beginning of a plug-in: a small complete package, or a module for a folder of plug-ins.

What is written stands in text files beside this one, `kinds/KIND.txt` for each kind and `package`
for what goes around it. No torch.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from artgan import __version__
from artgan.errors import ConfigError, PathError, nearest
from artgan.files import atomic_folder, write_text
from artgan.records import KINDS, noun
from artgan.scaffold.sources import import_block, joined, public_names
from artgan.screen import safe

__all__ = ["Scaffold", "create", "kind_named", "templates"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Scaffold:
    """What was written.

    Attributes:
        paths: the files, in the order in which they are worth reading.
        root: the folder of the package, or what lies in the folder of plug-ins.
        name: what the component is called.
        kind: its kind.
        use: a command that uses it.
    """

    paths: tuple[Path, ...]
    root: Path
    name: str
    kind: str
    use: str


def kind_named(text: str) -> str:
    """Return the kind that a word stands for, one or many of it.

    Raises:
        ConfigError: there is no such kind.

    >>> kind_named("loss"), kind_named("policies")
    ('losses', 'policies')
    """
    kinds = {noun(kind): kind for kind in KINDS}
    if text in KINDS:
        return text
    if text not in kinds:
        raise ConfigError(f"no kind '{safe(text)}': {nearest(text, [*kinds, *KINDS])}")
    return kinds[text]


def templates() -> list[str]:
    """Return the kinds that a component can be begun of."""
    return [kind for kind in KINDS if (files(__name__) / "kinds" / f"{kind}.txt").is_file()]


def create(
    name: str,
    kind: str = "losses",
    *,
    out: Path = Path(),
    folder: bool = False,
    taken: Iterable[str] = (),
) -> Scaffold:
    """Write the beginning of a plug-in with one component that works.

    Args:
        name: of the component, kebab-case; the package is called artgan-NAME.
        kind: one of `KINDS`.
        out: the folder that it is written to.
        folder: whether it is a module for a folder of plug-ins, instead of a package. One whose
            component needs torch when it is imported becomes a folder with a few modules.
        taken: names of that kind that there are already.

    Raises:
        ConfigError: the name cannot be used, or there is no template for the kind.
        PathError: something is in the way.
        OutputError: it could not be written.
    """
    name = name.removeprefix("artgan-")
    _check_name(name, kind, taken, package=not folder)
    if kind not in templates():
        raise ConfigError(
            f"there is no template for {kind}: take another --kind: {', '.join(templates())}"
        )
    plan = _Plan(name, kind)
    module = out / name.replace("-", "_")
    one_file = folder and not plan.parts.get("heavy")
    if folder:
        root = module.with_suffix(".py") if one_file else module
        sources = {"": plan.single()} if one_file else plan.local()
    else:
        root, sources = out / f"artgan-{name}", plan.package()
    for path in (module, module.with_suffix(".py")) if folder else (root,):
        if path.exists():
            raise PathError(f"{safe(path)} exists already: choose another name, or --out DIR")
    if one_file:
        write_text(root, sources[""])
        paths = [root]
    else:
        with atomic_folder(root) as temporary:
            for inside, text in sources.items():
                write_text(temporary / inside, text)
        paths = [root / inside for inside in sources]
    return Scaffold(tuple(paths), root, name, kind, plan.filled("use").strip())


def _check_name(name: str, kind: str, taken: Iterable[str], *, package: bool) -> None:
    """Refuse a name that cannot be that of a component or of its module."""
    if not _NAME.match(name):
        raise ConfigError(
            f"'{safe(name)}' cannot be a component's name: expected small letters, digits and "
            "hyphens, such as soft-light"
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise ConfigError(f"'{name}' is a word of Python: choose another name")
    if name in taken:
        raise ConfigError(f"there is a {noun(kind)} '{name}' already: choose another name")
    if package and importlib.util.find_spec(f"artgan_{module}") is not None:
        raise ConfigError(f"there is a package artgan_{module} already: choose another name")


class _Plan:
    """The texts of a plug-in with one component of a kind."""

    def __init__(self, name: str, kind: str) -> None:
        text = (files(__name__) / "kinds" / f"{kind}.txt").read_text(encoding="utf-8")
        pieces = re.split(r"^=== (\w+)\n", text, flags=re.MULTILINE)
        self.parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
        self.file = noun(kind)
        package = f"artgan_{name.replace('-', '_')}"
        minor = ".".join(__version__.split(".")[:2])
        after = ".".join([minor.split(".")[0], str(int(minor.split(".")[1]) + 1)])
        self.words = {
            "name": name,
            "kind": kind,
            "noun": noun(kind),
            "record": KINDS[kind].__name__,
            "hook": KINDS[kind].hook,
            "package": package,
            "file": self.file,
            "home": f"{package}.{self.file}",
            "options": "".join(word.capitalize() for word in name.split("-")) + "Options",
            "requirement": f"artgan>={minor},<{after}",
            "summary": self.parts["summary"].strip(),
            "use": Template(self.parts["use"]).substitute(name=name).strip(),
        }

    def filled(self, part: str) -> str:
        """Return a part of the kind's text with its words filled in, "" where there is none."""
        return Template(self.parts.get(part, "")).substitute(self.words)

    def _around(self, name: str) -> str:
        text = (files(__name__) / "package" / f"{name}.txt").read_text(encoding="utf-8")
        return Template(text).substitute(self.words)

    def _lines(self, *parts: str) -> list[str]:
        return [line for part in parts for line in self.filled(part).splitlines() if line]

    # Sources

    def package(self) -> dict[str, str]:
        """Return the files of a package that pip installs: path -> text."""
        own = f"src/{self.words['package']}"
        return {
            "pyproject.toml": self._around("pyproject"),
            f"{own}/__init__.py": self._record_module(f"{self.words['package']}."),
            f"{own}/{self.file}.py": self._component(),
            f"{own}/options.py": self._options(),
            f"{own}/py.typed": "",
            f"tests/test_{self.words['package'].removeprefix('artgan_')}.py": self._test(),
            "README.md": self._around("readme"),
            ".gitignore": self._around("gitignore"),
        }

    def local(self) -> dict[str, str]:
        """Return the files of a folder in a folder of plug-ins: path -> text."""
        return {
            "__init__.py": self._record_module("."),
            f"{self.file}.py": self._component(),
            "options.py": self._options(),
        }

    def single(self) -> str:
        """Return one module that holds the record, the options and the component."""
        words = self.words
        runtime = [
            *self._lines("imports"),
            *self._hook_imports(),
            "from artgan.options import Options",
            "from pydantic import Field",
        ]
        code = [self._hook("", ""), self._options_class(), self.filled("component").strip()]
        return joined(
            f'"""The {words["noun"]} `{words["name"]}`: {words["summary"]}.\n\n'
            'No torch is imported with it: every `artgan plugins list` reads this module.\n"""',
            import_block(runtime, self._lines("typing")),
            self._all(*code),
            *code,
        )

    def _record_module(self, prefix: str) -> str:
        words = self.words
        hook = self._hook(f"{prefix}{self.file}", f"{prefix}options")
        return joined(
            f'"""The plug-in {words["name"]}: the record of its {words["noun"]}. No torch at '
            'import."""',
            import_block(self._hook_imports(), []),
            self._all(hook),
            hook,
        )

    def _hook_imports(self) -> list[str]:
        record = self.words["record"]
        return [
            "from collections.abc import Iterator",
            f"from artgan.api import {record}, hookimpl",
        ]

    def _hook(self, component: str, options: str) -> str:
        words = self.words
        facts = [
            f'"{words["name"]}"',
            f'"{component}:build"',
            f'summary="{words["summary"]}"',
            f'options="{options}:{words["options"]}"',
            *self._lines("facts"),
        ]
        lines = "".join(f"        {fact},\n" for fact in facts)
        return (
            f"@hookimpl\ndef {words['hook']}() -> Iterator[{words['record']}]:\n"
            f'    """Yield the {words["noun"]}."""\n'
            f"    yield {words['record']}(\n{lines}    )"
        )

    def _component(self) -> str:
        words = self.words
        runtime = [*self._lines("imports", "heavy"), f"from .options import {words['options']}"]
        code = self.filled("component").strip()
        return joined(
            f'"""The {words["noun"]} `{words["name"]}`: {words["summary"]}."""',
            import_block(runtime, self._lines("typing")),
            self._all(code),
            code,
        )

    def _options_class(self) -> str:
        lines = "\n".join(f"    {line}" for line in self._lines("options"))
        return f'class {self.words["options"]}(Options):\n    """What can be set."""\n\n{lines}'

    def _options(self) -> str:
        code = self._options_class()
        runtime = ["from artgan.options import Options", "from pydantic import Field"]
        return joined(
            '"""What can be set. No torch: `artgan plugins show` reads this module."""',
            import_block(runtime, []),
            self._all(code),
            code,
        )

    def _test(self) -> str:
        body = self.filled("test").strip()
        words = self.words
        runtime = [
            "import pytest",
            f"from {words['package']}.options import {words['options']}",
            "from artgan.testing import check_component, check_plugins, components, "
            "isolated_registry",
            *self._lines("testimports"),
        ]
        if "torch." in body:
            runtime.append("import torch")
        if "assert_close(" in body:
            runtime.append("from torch.testing import assert_close")
        if "build(" in body:
            runtime.append(f"from {words['home']} import build")
        if words["options"] not in body:
            runtime.pop(1)
        own = words["package"]
        return joined(
            '"""The contract tests of artgan, and a value worked out by hand."""',
            import_block(runtime, [], own=own),
            f'REGISTRY = isolated_registry("{own}")',
            "def test_the_plugin_has_no_problems():\n    check_plugins(REGISTRY)",
            '@pytest.mark.parametrize("entry", components(REGISTRY), ids=lambda e: e.qualified)\n'
            "def test_contract(entry):\n    check_component(REGISTRY, entry)",
            body,
        )

    @staticmethod
    def _all(*code: str) -> str:
        return f"__all__ = {public_names(*code)}"
