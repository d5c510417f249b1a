"""Each example has a test that runs it."""

from helpers import ROOT


def test_every_example_has_a_twin():
    texts = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    for path in (ROOT / "examples").glob("*/*"):
        if path.suffix in {".toml", ".py"} and path.name != "pyproject.toml":
            assert path.stem in texts, path
    for path in (ROOT / "examples").glob("artgan-*"):
        assert path.name in texts, path
