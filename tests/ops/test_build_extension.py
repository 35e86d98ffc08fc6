"""The extension is built once for each source, by the compiler that is there or a fetched one, or not at all."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from model_store.extension import loader, source

ROOT = Path(__file__).resolve().parents[2]
BUILD = "deploy/local/build-extension"
TOOLS = ("sh", "dirname", "mktemp", "rm", "mv", "tail", "uname", "cat", "env")


@pytest.fixture
def tree(tmp_path):
    """A tree with what the extension is built of, and nothing built."""
    for folder in ("deploy/local", "model_store/extension"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "model_store/__init__.py").touch()
    shutil.copy(ROOT / BUILD, tmp_path / BUILD)
    shutil.copy(ROOT / "requirements-build.txt", tmp_path)
    for name in (*source.SOURCES, "__init__.py", "source.py", "loader.py"):
        shutil.copy(source.FOLDER / name, tmp_path / "model_store/extension")
    return tmp_path


@pytest.fixture
def without_compiler(tmp_path):
    """A PATH on which there are a few tools and no compiler."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    return str(tools)


def build(tree, **variables):
    return subprocess.run(
        [tree / BUILD, sys.executable], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def built(tree):
    return sorted(path.name for path in (tree / "model_store/extension").glob("*.so"))


needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler on PATH")


@needs_cc
def test_an_unchanged_source_is_built_once_and_a_changed_one_again(tree):
    assert build(tree).returncode == 0
    (first,) = built(tree)
    (tree / "model_store/extension" / first).write_bytes(b"as it was")
    assert build(tree).returncode == 0
    assert (tree / "model_store/extension" / first).read_bytes() == b"as it was"
    with (tree / "model_store/extension/walk.h").open("a") as file:
        file.write("\n")
    assert build(tree).returncode == 0
    (second,) = built(tree)
    assert second != first


def test_without_a_compiler_and_without_a_registry_one_clear_line_says_so(tree, without_compiler):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null"}
    told = build(tree, PATH=without_compiler, PIP_NO_CACHE_DIR="1", **nowhere)
    assert told.returncode == 1
    assert told.stderr.count("the C extension could not be built") == 1
    assert built(tree) == []


@pytest.mark.slow
def test_without_a_compiler_the_wheel_of_one_is_fetched_and_builds_the_same(tree, without_compiler, tmp_path):
    told = build(tree, PATH=without_compiler, TMPDIR=str(tmp_path))
    if "none could be fetched" in told.stderr:
        pytest.skip("the registry of Python packages cannot be reached")
    assert told.returncode == 0, told.stderr
    (name,) = built(tree)
    kernels = loader.load(tree / "model_store/extension" / name)
    assert {"Trees", "exp", "expit", "all_finite", "none_infinite", "json_numbers"} <= set(dir(kernels))
    assert list(tmp_path.glob("tmp*")) == []
    flags = (tree / "model_store/extension" / name).read_bytes()
    assert b"vgatherdps" not in flags


def loaded(tree, **variables):
    """Ask for the extension twice, in a process of its own."""
    asked = "from model_store.extension.loader import kernels; print(kernels() is not None, kernels() is not None)"
    return subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tree,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )


@needs_cc
def test_what_was_built_is_loaded_unless_it_is_turned_off(tree):
    assert build(tree).returncode == 0
    assert loaded(tree).stdout == "True True\n"
    assert loaded(tree, MILLRACE_EXTENSION="off").stdout == "False False\n"


@needs_cc
def test_what_was_built_of_another_source_is_not_loaded_and_one_line_says_so(tree):
    assert build(tree).returncode == 0
    with (tree / "model_store/extension/kernels.c").open("a") as file:
        file.write("\n")
    told = loaded(tree)
    assert told.stdout == "False False\n"
    assert told.stderr.count("\n") == 1
    assert BUILD in told.stderr


def test_a_damaged_shared_object_is_not_loaded(tree):
    source.shared_object(tree / "model_store/extension").write_bytes(b"\x7fELF and no more")
    told = loaded(tree)
    assert told.stdout == "False False\n"
    assert told.stderr.count("\n") == 1


@needs_cc
def test_the_declarations_of_the_stable_abi_are_those_of_pythons_headers(tmp_path):
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        pytest.skip(f"no Python.h in {include}")
    codes = []
    for extra in ([], ["-DWITH_PYTHON_H", f"-I{include}"]):
        made = tmp_path / "kernels.o"
        command = ["cc", "@flags", "-O1", "-Wall", "-Wextra", "-Werror", *extra, "-c", "kernels.c", "-o", made]
        subprocess.run(command, cwd=source.FOLDER, check=True)
        codes.append(made.read_bytes())
    assert codes[0] == codes[1]
