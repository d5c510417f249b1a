"""`artgan env`: what it prints, with and without strangers."""

from __future__ import annotations

import json
import os
import sys

import torch

from artgan.cli.app import run


def test_env_as_json(capsys):
    assert run(["env", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found["version"] == 1
    assert found["artgan"] == "0.1.0"
    assert found["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert found["packages"]["torch"] == torch.__version__
    assert {"numpy", "pillow", "pillow-heif", "pydantic", "typer"} <= set(found["packages"])
    assert "pytest" not in found["packages"]
    assert found["devices"]["cpu"].startswith(f"{torch.get_num_threads()} threads")
    assert set(found["pictures"]) == {"AVIF", "WebP", "HEIC", "colour profiles"}
    assert found["cache"] == os.environ["ARTGAN_CACHE"]
    assert found["plug-ins"] == [
        {
            "name": "artgan_plugins",
            "distribution": "artgan",
            "version": "0.1.0",
            "status": "ok",
            "problems": [],
        }
    ]


def test_env_as_text_names_a_broken_plugin(strangers, capsys):
    strangers("artgan-bad", {"bad": "raise RuntimeError('boom')"})
    assert run(["env"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("artgan: 0.1.0\npython: ")
    assert "  artgan_plugins (artgan 0.1.0): ok\n" in out
    assert out.endswith(
        "  bad (artgan-bad 1.0): broken\n    it could not be imported: RuntimeError: boom\n"
    )
    assert err.count("\n") == 1


def test_env_works_where_torch_does_not(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["env", "--json"]) == 0
    devices = json.loads(capsys.readouterr().out)["devices"]
    assert devices["torch"].startswith("cannot be imported: ModuleNotFoundError:")
