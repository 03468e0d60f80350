"""Fixtures of the boards: sums written, places by code, callbacks called as the browser does."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.web.dashboards import plant_sums


@pytest.fixture(scope="module", autouse=True)
def sums(admin):
    """Sums of two companies are in the database."""
    plant_sums.write(admin)


@pytest.fixture
def place(admin):
    """`place("kestrel", "L2-07")` is the id of a place by its codes."""

    def find(company: str, code: str) -> str:
        row = admin.execute(
            "SELECT p.id FROM place p JOIN tenant t ON t.id = p.tenant_id"
            " WHERE t.code = %s AND p.code = %s",
            (company, code),
        ).fetchone()
        return str(row[0])

    return find


@pytest.fixture
def call():
    """`call(client, "tenant", "trend", page="line", search="?node=…")`: a chart's callback."""

    def ask(client, audience, chart, *, page, search, theme="light", token=None):
        parts = ("figure", "sentence", "table", "csv", "xlsx")
        props = ("figure", "children", "data-src", "href", "href")
        key = "...".join(f"{chart}-{a}.{b}" for a, b in zip(parts, props, strict=True))
        slots = [("url", "search", search), ("theme", "data", theme), ("fresh", "data", None)]
        body = {
            "output": f"..{key}..",
            "outputs": [],
            "inputs": [{"id": a, "property": b, "value": c} for a, b, c in slots],
            "state": [{"id": "url", "property": "pathname", "value": f"/boards/{audience}/{page}"}],
            "changedPropIds": ["url.search"],
        }
        headers = {"X-CSRFToken": token} if token else {}
        path = f"/boards/{audience}/_dash-update-component"
        return client.post(path, json=body, headers=headers)

    return ask


def hrefs(page: str, path: str) -> list[str]:
    """Return the addresses on a page that lead to `path`, in order."""
    found = re.findall(r'href="([^"]+)"', page)
    return [each.replace("&amp;", "&") for each in found if each.startswith(path)]


class Asked:
    """How many statements a block sent to the database."""

    total = 0


@pytest.fixture
def count_queries(app):
    """`with count_queries() as asked:` counts statements of the portal's connections."""
    engine = app.extensions["portal"].database.engine

    @contextmanager
    def count():
        asked = Asked()

        def add(*_args):
            asked.total += 1

        event.listen(engine, "before_cursor_execute", add)
        try:
            yield asked
        finally:
            event.remove(engine, "before_cursor_execute", add)

    return count
