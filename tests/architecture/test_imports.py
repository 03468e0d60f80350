"""Who may import whom: the contracts of `pyproject.toml`, and rules that know no framework."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, Source, imported, sources

DOORS = frozenset(
    {"web", "api", "jobs", "service", "queries", "models", "forms", "mount", "setup", "guard"}
)
"""Names (and endings: `offer_service`) of modules that may know Flask, SQLAlchemy or Dash."""
FRAMEWORKS = frozenset({"flask", "sqlalchemy", "dash", "procrastinate", "psycopg", "werkzeug"})
NO_RULES = ("kernel", "dashboards", "portal/ui", "portal/shell", "portal/demo")
"""Folders that hold no rules of the business: plumbing, pages, the demo's loader."""

EXCEPTIONS: dict[str, str] = {
    "tenants/access.py": "asks the place tree for what a person reaches",
    "tenants/attempts.py": "stores what `throttle.py` decides",
    "tenants/audit.py": "writes the log row beside the change, with the request's address",
    "tenants/holders.py": "reads who holds a permission, for other packages",
    "tenants/identity.py": "builds the actor from the session row; Flask-Login's loader",
    "tenants/refilling.py": "gives a form back with what was sent",
    "tenants/sessions.py": "commands that begin and end sessions",
    "portal/credit/doors.py": "adds the package's blueprints",
    "portal/credit/reading.py": "opens the logged view in a transaction of its own",
    "portal/credit/recording.py": "the worker's commands: evidence of closed days",
    "portal/credit/refreshing.py": "the worker's commands: figures and documents",
    "portal/credit/upkeep.py": "the worker's commands: what the clock moves",
    "portal/production/bulk.py": "many rows in one statement",
    "portal/production/derive.py": "the worker's commands: from facts to sums",
    "portal/production/doors.py": "adds the package's blueprints",
    "portal/production/importer.py": "commands: a file through the door",
    "portal/production/ingest.py": "commands: the one door into the facts",
    "portal/production/loading.py": "reads the facts of a derivation",
    "portal/production/setups.py": "reads what a derivation depends on besides facts",
    "portal/production/verifying.py": "reads facts again to check stored sums",
    "portal/production/writing.py": "writes what a derivation found",
}
"""Modules of a slice that know a framework though their name does not say so, with the reason."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the checkout in `folder`."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_the_contracts_hold() -> None:
    done = lint_imports(ROOT)
    if done.returncode:
        pytest.fail(done.stdout[-4000:] + done.stderr[-2000:], pytrace=False)
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("kernel/ids.py", "import portal.credit.ids", "From left to right only"),
        ("tenants/ids.py", "import portal.production.sums", "From left to right only"),
        ("portal/production/sums.py", "import portal.credit.ids", "From left to right only"),
        ("portal/production/sums.py", "import app", "Nobody imports the composition root"),
        ("portal/credit/ids.py", "import tenants.models", "Tables are private"),
        ("portal/credit/ids.py", "import portal.production.models", "Tables of production"),
        ("portal/credit/ids.py", "import plotly", "Only dashboards know"),
        ("portal/credit/ids.py", "import portal.credit.models", "Doors, then services"),
    ],
)
def test_a_planted_import_breaks_its_contract(
    tmp_path: Path, file: str, line: str, contract: str
) -> None:
    for name in (*PACKAGES, "pyproject.toml", "app.py"):
        source = ROOT / name
        if source.is_dir():
            skip = shutil.ignore_patterns("static", "templates", "*.gz", "__pycache__", "assets")
            shutil.copytree(source, tmp_path / name, ignore=skip)
        else:
            shutil.copy(source, tmp_path / name)
    planted = tmp_path / file
    planted.write_text(planted.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    broken = [each for each in done.stdout.splitlines() if "BROKEN" in each]
    assert any(contract in each for each in broken), done.stdout + done.stderr


def find_worldly_rules(source: Source) -> Iterator[str]:
    """Yield the frameworks that a module of rules imports."""
    name = source.name.removesuffix(".py").rpartition("/")[2]
    is_door = name in DOORS or name.rpartition("_")[2] in DOORS
    if is_door or source.name.startswith(NO_RULES) or source.name in EXCEPTIONS:
        return
    yield from sorted({each.split(".")[0] for each in imported(source)} & FRAMEWORKS)


def test_rules_know_no_framework() -> None:
    found = {
        source.name: frameworks
        for source in sources("tenants", "portal")
        if (frameworks := list(find_worldly_rules(source)))
    }
    if found:
        advice = "A rule takes frozen values and returns one. Move what asks the database or the"
        advice += " request into service, queries or web; or name the file for what it is:"
        lines = [f"{name} knows {', '.join(known)}" for name, known in found.items()]
        pytest.fail("\n".join([advice, *lines]), pytrace=False)


def test_there_are_rules_and_a_worldly_one_is_found() -> None:
    pure = [s for s in sources("tenants", "portal") if not list(find_worldly_rules(s))]
    assert len(pure) > 20
    planted = Source("portal/credit/planted.py", "from sqlalchemy import select\nimport flask")
    assert list(find_worldly_rules(planted)) == ["flask", "sqlalchemy"]


def test_no_exception_has_outlived_its_file() -> None:
    for name, reason in EXCEPTIONS.items():
        assert (ROOT / name).is_file(), name
        assert len(reason.split()) > 3, name
