"""T7: every door of the finished program, as everybody, with own, foreign and missing ids.

Every text of a company's rows is its canary. What an answer holds is searched for canaries, and
each one found must stand in a row that `sharing.py` lets this actor see. What somebody sent must
have changed nothing of another company.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tenants.permissions import permissions_of
from tests.isolation import sharing
from tests.isolation.people import Crawler, is_of
from tests.isolation.rows import Made, Row, owner
from tests.isolation.world import A, B, Viewer

CANARY = re.compile(r"canary-[a-z]+(?:-bank)?-[0-9a-f]{10}")
PLACE = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")
SAFE = ("GET", "HEAD", "OPTIONS")
VARIANTS = ("own", "foreign", "missing")
ROWS_EACH = 4
"""How many rows of a table are tried at one door; places of each level are among them."""


@dataclass(frozen=True)
class Pick:
    """Chooses ids for one request: `pick("place")` is the id of a row of the wanted kind."""

    made: Made
    crawler: Crawler
    variant: str
    number: int = 0
    prefix: str = ""
    """Of the board whose callback it is."""

    def __call__(self, named: str, **wanted: object) -> str:
        """Return an id of a row of `named`; a random one where there is none or none is wanted.

        `wanted` narrows the rows: `pick("place", level="line")`.
        """
        row = self.row(named, **wanted)
        return str(row[NAMED[named][1] if named in NAMED else "id"]) if row else str(uuid4())

    def row(self, named: str, **wanted: object) -> Row | None:
        """Return the row that would be picked, or None."""
        found = self.rows(named, **wanted)
        return found[self.number % len(found)] if found else None

    def rows(self, named: str, **wanted: object) -> list[Row]:
        """Return every row of the wanted kind."""
        table = NAMED[named][0] if named in NAMED else named
        rows = [r for r in self.made[table] if all(r[k] == v for k, v in wanted.items())]
        if self.variant == "own":
            return [row for row in rows if is_of(self.crawler, table, row)]
        if self.variant != "foreign":
            return []
        other = str((B if self.crawler.company is A else A).id)
        mine = {m["person_id"] for m in self.made["membership"] if is_of(self.crawler, "", m)}
        return [
            row
            for row in rows
            if owner(table, row) == other
            and not is_of(self.crawler, table, row)
            # Who works for both companies is a colleague, not a stranger.
            and not (named == "person_of" and row["person_id"] in mine)
        ]

    @property
    def kind(self) -> str:
        """The kind of actor that asks."""
        return self.crawler.viewer.kind if self.crawler.viewer else ""

    @property
    def is_bank(self) -> bool:
        """Whether a bank asks."""
        return self.crawler.company is not None and self.crawler.company.kind == "bank"

    @property
    def moment(self) -> str:
        """A moment at which rows were made."""
        moment: str = self.made["state_fact"][0]["occurred_at"]
        return moment


NAMED: Mapping[str, tuple[str, str]] = {
    "unit": ("unit", "place_id"),
    "person_of": ("membership", "person_id"),
}
"""What an address names by another column than `id`: a person by the companies she belongs to."""

Values = Callable[[Pick], Mapping[str, object]]


@dataclass(frozen=True)
class Route:
    """What the crawl must know of one endpoint; see `routes.py`."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """Place of the address: the table whose id it is."""
    words: Sequence[Mapping[str, str]] = ({},)
    """Places of the address that are words: what to try, the most telling first."""
    query: Sequence[Values] = ()
    """Queries to try beside none at all."""
    body: Values | None = None
    """A valid body, of a form; None for a button without fields."""
    raw: Callable[[Pick], tuple[bytes, Mapping[str, str]]] | None = None
    """A body that is no form, with its headers."""
    order: int = 0
    """Of what is sent: what ends things comes after what needs them."""
    never_works: str = ""
    """Why no valid request is made here: what tests it instead."""


@dataclass(frozen=True)
class Request:
    """One request of the crawl."""

    endpoint: str
    method: str
    variant: str
    path: str
    body: Mapping[str, object] | None = None
    raw: tuple[bytes, Mapping[str, str]] | None = None
    json: object | None = None
    hidden: bool = False
    """Every id in it is of a row that this actor must not see."""


@dataclass(frozen=True)
class Finding:
    """Something that must not be: who got what, where."""

    who: str
    request: Request | None
    what: str
    is_fault: bool = False
    """Nothing was given away, but the program broke instead of refusing."""

    def __str__(self) -> str:
        each = self.request
        if each is None:
            return f"{self.who}, by something that was sent: {self.what}"
        return (
            f"{self.who}: {each.method} {each.path} ({each.endpoint}, {each.variant}): {self.what}"
        )


@dataclass
class Crawl:
    """One run; `made` are the rows as they were before it."""

    app: Flask
    made: Made
    routes: Mapping[str, Route]
    findings: list[Finding] = field(default_factory=list)
    tried: set[tuple[str, str]] = field(default_factory=set)
    worked: set[tuple[str, str]] = field(default_factory=set)
    seen: dict[str, set[str]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self._homes: dict[str, list[tuple[str, Row]]] = {}
        for table, rows in self.made.items():
            for row in rows:
                for word in CANARY.findall(json.dumps(row)):
                    self._homes.setdefault(word, []).append((table, row))

    def rules(self) -> Iterator[tuple[Rule, str]]:
        """Yield every rule and method of the program; files of the release are one endpoint."""
        for rule in sorted(self.app.url_map.iter_rules(), key=self._place):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method

    def _place(self, rule: Rule) -> tuple[int, str]:
        return (self.routes.get(rule.endpoint, Route()).order, rule.rule)

    def missing_entries(self) -> list[str]:
        """Return endpoints that `routes.py` does not know, and entries without an endpoint."""
        there = {rule.endpoint for rule in self.app.url_map.iter_rules()}
        unknown = [f"{name}: say in routes.py how to try it" for name in there - set(self.routes)]
        gone = [
            f"{name}: is in routes.py but not in the program" for name in set(self.routes) - there
        ]
        faulty = [
            f"{rule.endpoint}: routes.py says nothing of <{name}>"
            for rule in self.app.url_map.iter_rules()
            if rule.endpoint in self.routes
            for name in rule.arguments
            if name not in {*self.routes[rule.endpoint].ids, *self.routes[rule.endpoint].words[0]}
        ]
        return sorted([*unknown, *gone, *faulty])

    def requests(self, crawler: Crawler, variants: Sequence[str]) -> Iterator[Request]:
        """Yield every request of one actor in the wanted variants."""
        for rule, method in self.rules():
            route = self.routes.get(rule.endpoint, Route())
            for variant in variants:
                yield from self._of_rule(crawler, rule, method, route, variant)

    def _of_rule(
        self, crawler: Crawler, rule: Rule, method: str, route: Route, variant: str
    ) -> Iterator[Request]:
        base = Pick(self.made, crawler, variant)
        most = max([1, *(len(base.rows(table)) for table in route.ids.values())])
        if route.query and method in SAFE:
            most = ROWS_EACH
        # Where the door answers before anything is read, one foreign and one missing id are enough.
        is_open = self.lets_in(rule.endpoint, crawler)
        if not is_open and (variant == "own" or (variant == "missing" and not rule.arguments)):
            return
        seen = set()
        for number in range(min(most, ROWS_EACH) if is_open else 1):
            pick = Pick(self.made, crawler, variant, number)
            for path in _paths(
                rule, route, pick, method, every=is_open and number == 0 and variant != "missing"
            ):
                says_nothing = method in SAFE or (route.body is None and route.raw is None)
                if is_open and says_nothing and variant != "own" and not (route.ids or "?" in path):
                    continue  # no id in it: the same request for all variants
                if path in seen:
                    continue
                seen.add(path)
                hidden = self._is_hidden(crawler, route, pick)
                body = route.body(pick) if method not in SAFE and route.body else None
                raw = route.raw(pick) if method not in SAFE and route.raw else None
                yield Request(
                    rule.endpoint, method, variant, path, body=body, raw=raw, hidden=hidden
                )
                if body and is_open:
                    # Nothing at all, and half of it: refused in words, whatever is missing.
                    half = dict(list(body.items())[::2])
                    for less in ({}, half) if half != body else ({},):
                        yield Request(rule.endpoint, method, "half", path, less, hidden=hidden)

    def lets_in(self, endpoint: str, crawler: Crawler) -> bool:
        """Say whether the door of an endpoint is open to this kind and role."""
        door = self.app.extensions["portal"].doors.get(endpoint)
        if door is None or door.public is not None:
            return True
        if crawler.viewer is None or crawler.viewer.kind not in door.audience:
            return False
        held = permissions_of([crawler.role]) if crawler.role else frozenset()
        return not door.permissions or any(each in held for each in door.permissions)

    def _is_hidden(self, crawler: Crawler, route: Route, pick: Pick) -> bool:
        return any(
            (row := pick.row(named)) is not None
            and not self._may_see(crawler, NAMED.get(named, (named,))[0], row)
            for named in route.ids.values()
        )

    def _may_see(self, crawler: Crawler, table: str, row: Row) -> bool:
        if crawler.viewer is None:
            return False
        rule = sharing.TABLES[table].reads.get(crawler.viewer.kind)
        return rule is not None and rule.holds(crawler.viewer, row, self.made)

    def run(self, crawler: Crawler, requests: Iterator[Request]) -> None:
        """Make the requests and note what must not be."""
        client = crawler.client(self.app)
        allowed = self.allowed(crawler)
        refusal: dict[tuple[str, str], TestResponse] = {}
        for each in requests:
            answer = self._send(crawler, client, each)
            if answer is None:
                continue
            self._search(crawler, each, answer, allowed)
            if each.variant == "missing":
                refusal[each.endpoint, each.method] = answer
            elif each.hidden and answer.status_code < 400 and not _is_refusal(answer):
                self._note(crawler, each, f"answers {answer.status_code} to a foreign id")
            elif each.hidden and each.variant == "foreign":
                missing = refusal.get((each.endpoint, each.method))
                if missing is not None and missing.status_code != answer.status_code:
                    told = f"{answer.status_code}, a missing one is {missing.status_code}"
                    self._note(crawler, each, f"tells a foreign id by its status: {told}")

    def _send(self, crawler: Crawler, client: FlaskClient, each: Request) -> TestResponse | None:
        self.count += 1
        self.tried.add((each.endpoint, each.method))
        try:
            if each.raw is not None:
                data, headers = each.raw
                answer = client.open(each.path, method=each.method, data=data, headers=headers)
            elif each.json is not None:
                answer = client.open(each.path, method=each.method, json=each.json)
            else:
                answer = client.open(each.path, method=each.method, data=each.body)
        except Exception as broken:
            told = " ".join(str(broken).split())[:160]
            self._note(crawler, each, f"fails: {type(broken).__name__}: {told}", is_fault=True)
            return None
        if answer.status_code >= 500 and answer.status_code != 503:
            self._note(crawler, each, f"answers {answer.status_code}", is_fault=True)
        if answer.status_code < 400 and not _is_refusal(answer):
            self.worked.add((each.endpoint, each.method))
        return answer

    def _note(self, crawler: Crawler, each: Request, what: str, *, is_fault: bool = False) -> None:
        self.findings.append(Finding(crawler.label, each, what, is_fault))

    def allowed(self, crawler: Crawler) -> set[str]:
        """Return the canaries that this actor may meet: those of rows she may see."""
        if crawler.viewer is None:
            return set()
        return {
            word
            for word, homes in self._homes.items()
            if any(self._may_meet(crawler.viewer, table, row) for table, row in homes)
        }

    def _may_meet(self, viewer: Viewer, table: str, row: Row) -> bool:
        rule = sharing.TABLES[table].reads.get(viewer.kind) if table in sharing.TABLES else None
        if rule is not None and rule.holds(viewer, row, self.made):
            return True
        # A bank's own request opens the view by which it reads the documents made for it.
        return table == "bank_view" and any(
            consent["id"] == row["consent_id"]
            and consent["bank_id"] == str(viewer.tenant)
            and consent["state"] == "active"
            for consent in self.made["consent"]
        )

    def _search(
        self, crawler: Crawler, each: Request, answer: TestResponse, allowed: set[str]
    ) -> None:
        sent = set(CANARY.findall(each.path + str(each.body) + str(each.raw)))
        for word in sorted(set(CANARY.findall(text_of(answer))) - sent):
            homes = self._homes.get(word, [])
            if homes and crawler.company and word.startswith(f"canary-{crawler.company.code}-"):
                self.seen.setdefault(crawler.company.code, set()).update(home[0] for home in homes)
            if word not in allowed:
                tables = ", ".join(sorted({home[0] for home in homes})) or "a row unknown before"
                self._note(crawler, each, f"shows {word} of {tables}")


def _is_refusal(answer: TestResponse) -> bool:
    return answer.status_code in (301, 302, 303) and any(
        answer.location.startswith(door) for door in ("/sign-in", "/auth/step-up")
    )


def _fill(values: Mapping[str, str], found: re.Match[str]) -> str:
    return values[found[1]]


def _paths(rule: Rule, route: Route, pick: Pick, method: str, *, every: bool) -> Iterator[str]:
    values = {name: pick(table) for name, table in route.ids.items()}
    for words in route.words if every else route.words[:1]:
        path = PLACE.sub(partial(_fill, {**values, **words}), rule.rule)
        yield path
        if method in SAFE:
            for query in route.query if every or pick.number else route.query[:1]:
                yield f"{path}?{urlencode(query(pick), doseq=True)}"


def text_of(answer: TestResponse) -> str:
    """Return everything that an answer says: headers, body, and what is packed in an XLSX."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    body = answer.get_data()
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            body = b"\n".join(packed.read(name) for name in packed.namelist())
    return f"{headers}\n{body.decode('utf-8', 'replace')}".lower()


def changed_for_others(before: Made, after: Made, crawler: Crawler) -> list[str]:
    """Return rows of other companies that are not as they were, or new where nobody may write."""
    mine = str(crawler.company.id) if crawler.company else None
    found = []
    for table, rows in before.items():
        now = {json.dumps(row, sort_keys=True) for row in after[table]}
        for row in rows:
            if owner(table, row) not in (None, mine) and json.dumps(row, sort_keys=True) not in now:
                found.append(f"{table}: changed or gone: {json.dumps(row)[:200]}")
        was = {json.dumps(row, sort_keys=True) for row in rows}
        for row in after[table]:
            is_new = json.dumps(row, sort_keys=True) not in was
            if is_new and owner(table, row) not in (None, mine) and table not in WRITTEN_FOR_OTHERS:
                found.append(f"{table}: new: {json.dumps(row)[:200]}")
    return found


WRITTEN_FOR_OTHERS: Mapping[str, str] = {
    "access_log": "a bank's read is written on the page of the company that it read",
    "audit_log": "what a stranger tried is written on the page of whom it concerns",
    "login_attempt": "belongs to no company",
}
"""Tables in which somebody's act writes a row of another company, each with its reason."""


def strip(made: Made, crawler: Crawler) -> Made:
    """Return the rows without those that any request writes: the sessions' last sight."""
    kept = {table: list(rows) for table, rows in made.items()}
    kept["auth_session"] = [
        {k: v for k, v in row.items() if k not in ("seen_at", "idle_until")}
        for row in kept["auth_session"]
    ]
    kept["device_token"] = [
        {k: v for k, v in row.items() if k != "last_used_at"} for row in kept["device_token"]
    ]
    return kept


def board_requests(
    crawl: Crawl, crawler: Crawler, values: Mapping[tuple[str, str], Callable[[Pick], object]]
) -> Iterator[Request]:
    """Yield every callback of every board, with no, own, foreign and missing ids in its inputs."""
    for board in crawl.app.extensions["boards"].apps.values():
        path = f"{board.config.url_base_pathname}_dash-update-component"
        for key, guarded in board.guarded.items():
            if guarded.clientside:
                continue
            is_open = crawl.lets_in(path, crawler)
            for variant in (*VARIANTS, "none") if is_open else ("own",):
                for number in range(ROWS_EACH if is_open and variant in VARIANTS[:2] else 1):
                    prefix = board.config.url_base_pathname
                    pick = Pick(crawl.made, crawler, variant, number, prefix)
                    yield Request(
                        f"{board.config.url_base_pathname}{key}",
                        "POST",
                        variant,
                        path,
                        json=_call(key, guarded, pick, values),
                    )


def _call(key: str, guarded: object, pick: Pick, values: Mapping) -> dict[str, object]:  # type: ignore[type-arg]
    def slots(names: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
        return [{"id": name, "property": of, "value": values[name, of](pick)} for name, of in names]

    inputs = slots(guarded.inputs)  # type: ignore[attr-defined]
    return {
        "output": key,
        "outputs": guarded.outputs,  # type: ignore[attr-defined]
        "inputs": inputs,
        "state": slots(guarded.states),  # type: ignore[attr-defined]
        "changedPropIds": [f"{each['id']}.{each['property']}" for each in inputs[:1]],
    }
