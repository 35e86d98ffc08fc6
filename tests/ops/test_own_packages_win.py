"""The checkout's packages win over installed ones of the same name: quantile-forest, for one, installs `examples`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "deploy",
    "deploy.local",
    "deploy.compose",
    "monitoring",
    "monitoring.grafana",
    "bench",
    "bench.foreign",
    "examples",
)


@pytest.fixture
def beside_others(tmp_path):
    """Runs Python in the checkout, where a site folder has regular packages of the same names."""
    site = tmp_path / "site"
    for package in PACKAGES:
        folder = site.joinpath(*package.split("."))
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise ImportError('somebody else is here')")

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("package", PACKAGES)
def test_an_installed_package_of_the_same_name_does_not_hide_ours(beside_others, package):
    told = beside_others("-c", f"import {package}; print({package}.__file__)")
    assert told.stdout.strip() == str(ROOT.joinpath(*package.split("."), "__init__.py")), told.stderr


def test_make_run_finds_its_own_demo_models_beside_an_installed_package_examples(beside_others):
    assert "Three demo models" in beside_others("-m", "examples.demo_models").stderr


def test_every_folder_with_code_is_a_package():
    code = [path for top in ("deploy", "monitoring", "bench", "examples") for path in (ROOT / top).rglob("*.py")]
    assert all((path.parent / "__init__.py").is_file() for path in code)
