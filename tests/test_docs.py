"""What people forget: the documents say what the code does."""

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import mongo_contrib

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mongo_contrib"
PAGES = [
    ROOT / "README.md",
    ROOT / "example_project/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]

SETTING = re.compile(r"""["'](MONGO_[A-Z_]+)["']""")
CHECK_ID = re.compile(r"""["'](mongo_\w+\.[EWI]\d{3})["']""")
SNIPPET = re.compile(r"^( *)```(?:python|py)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")


def sources(pattern="*.py"):
    return {path: path.read_text() for path in sorted(PACKAGE.rglob(pattern))}


def docs():
    return "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))


def relative(path):
    return str(path.relative_to(ROOT))


def test_version_is_the_top_of_the_changelog():
    [version, *_] = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version == mongo_contrib.__version__


def test_every_setting_is_documented():
    settings = {name for text in sources("conf.py").values() for name in SETTING.findall(text)}
    assert settings, "no conf.py names a setting"
    page = (ROOT / "docs/settings.md").read_text()
    assert sorted(name for name in settings if f"`{name}`" not in page) == []


def test_settings_page_names_no_setting_that_is_gone():
    code = "\n".join(sources().values())
    page = (ROOT / "docs/settings.md").read_text()
    assert (
        sorted(name for name in set(re.findall(r"`(MONGO_\w+)`", page)) if name not in code) == []
    )


def test_every_check_id_is_documented():
    ids = {id for text in sources().values() for id in CHECK_ID.findall(text)}
    assert ids, "no check has an id"
    page = (ROOT / "docs/checks.md").read_text()
    assert sorted(id for id in ids if f"`{id}`" not in page) == []


def test_check_ids_are_used_for_one_thing_each():
    """An id may appear twice in one function, for the same thing found in two ways."""
    places = {}
    for path, text in sources().items():
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                ids = [
                    id
                    for node in ast.walk(function)
                    if isinstance(node, ast.keyword) and node.arg == "id"
                    for id in CHECK_ID.findall(ast.unparse(node.value))
                ]
                for id in ids:
                    places.setdefault(id, set()).add(f"{relative(path)}: {function.name}")
    assert {id: where for id, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_python_snippets_compile(path):
    for indent, snippet in SNIPPET.findall(path.read_text()):
        compile(textwrap.dedent(indent + snippet), relative(path), "exec")


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_links_lead_somewhere(path):
    targets = [target for target in LINK.findall(path.read_text()) if "://" not in target]
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_snippets_import_what_there_is(path):
    """Every name that a snippet imports from us exists."""
    import importlib

    for _, snippet in SNIPPET.findall(path.read_text()):
        for node in ast.walk(ast.parse(textwrap.dedent(snippet))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "mongo_contrib"
            ):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/index.md").read_text()
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {name for name in names if f"({name})" not in index} == set()


@pytest.fixture
def project(tmp_path):
    """A new project with an app `blog`, and a function that runs its manage.py."""

    def run(*command):
        kept = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        return subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

    run("-m", "django", "startproject", "mysite", ".")
    run("manage.py", "startapp", "blog")
    return tmp_path, run


def append(path, *snippets):
    path.write_text(path.read_text() + "\n" + "\n".join(snippets))


def snippets_of(page):
    return [snippet for _, snippet in SNIPPET.findall((ROOT / page).read_text())]


def checked(run):
    done = run("manage.py", "check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_quick_start_makes_a_sound_project(project):
    directory, run = project
    settings, models, admin, urls = snippets_of("docs/quickstart.md")
    append(directory / "mysite/settings.py", settings)
    (directory / "blog/models.py").write_text(models)
    (directory / "blog/admin.py").write_text(admin)
    append(directory / "mysite/urls.py", urls)
    checked(run)
    assert "No changes detected" in run("manage.py", "makemigrations", "--check").stdout


_, CONNECTION, *APPS = snippets_of("README.md")


@pytest.mark.parametrize("added", [*APPS, "\n".join(dict.fromkeys(APPS))])
def test_readme_adds_apps_to_an_sql_project(project, added):
    directory, run = project
    append(directory / "mysite/settings.py", CONNECTION, added)
    checked(run)
