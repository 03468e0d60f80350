"""A case, put together from documents: a bank's from stored ones, a preview from the cutter.

Both ways end in the same `Case`, drawn by the same template.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.db import Work
from portal.credit import bank_queries, showing
from portal.credit.disclosure import FIGURES_PART, HEAD, Part, facts_part_name
from portal.credit.metrics.registry import METRICS
from portal.credit.queries import ConsentRow
from portal.credit.showing import ShownFigure, ShownHead
from portal.credit.words import Dataset

Documents = Mapping[tuple[Dataset, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """What a consent opens, as written; `groups` are its datasets with their figures."""

    consent: ConsentRow
    head: ShownHead
    groups: Sequence[tuple[str, Sequence[ShownFigure]]]

    @property
    def figures(self) -> list[ShownFigure]:
        """All figures, in order."""
        return [figure for _, figures in self.groups for figure in figures]


@dataclass(frozen=True, slots=True)
class OpenedCaseFigure:
    """One figure of a case, with the machine-days behind it; none below the level of facts."""

    consent: ConsentRow
    head: ShownHead
    figure: ShownFigure
    heads: Sequence[tuple[str, str, str]]
    rows: Sequence[Sequence[str]]


def read_documents(
    work: Work, consent: ConsentRow, *, code: str | None = None
) -> dict[tuple[Dataset, str], Mapping[str, Any]]:
    """Return the documents that this work's logged view opens; empty without one.

    With `code` the list of that figure's facts is among them, and nothing of other datasets.
    """
    wanted = [(Dataset.HEAD, HEAD)]
    if code is None:
        wanted += [(each, FIGURES_PART) for each in Dataset if each.value in consent.datasets]
    else:
        dataset = METRICS[code].dataset
        wanted += [(dataset, FIGURES_PART), (dataset, facts_part_name(code))]
    found = {key: bank_queries.find_document(work, consent.id, key[0], key[1]) for key in wanted}
    return {key: doc for key, doc in found.items() if doc is not None}


def as_documents(parts: Sequence[Part]) -> dict[tuple[Dataset, str], Mapping[str, Any]]:
    """Return what the cutter made as documents."""
    return {(part.dataset, part.name): part.doc for part in parts}


def case_of(consent: ConsentRow, documents: Documents) -> Case | None:
    """Return the case, None where its documents are not there (or not yet)."""
    head = documents.get((Dataset.HEAD, HEAD))
    if head is None:
        return None
    groups = [
        (showing.datasets([dataset.value]), [showing.figure(each) for each in doc["figures"]])
        for dataset in Dataset
        if (doc := documents.get((dataset, FIGURES_PART))) is not None
    ]
    return Case(consent, showing.head(head), groups)


def figure_of(
    consent: ConsentRow,
    documents: Documents,
    code: str,
    *,
    names: Mapping[str, str] | None = None,
) -> OpenedCaseFigure | None:
    """Return one figure with its facts, None where its documents are not there.

    `names` gives machines other names than those of the document: to the company, its own.
    """
    dataset = METRICS[code].dataset
    head = documents.get((Dataset.HEAD, HEAD))
    figures = documents.get((dataset, FIGURES_PART))
    if head is None or figures is None:
        return None
    doc = next((each for each in figures["figures"] if each["code"] == code), None)
    if doc is None:
        return None
    facts = documents.get((dataset, facts_part_name(code)))
    return OpenedCaseFigure(
        consent=consent,
        head=showing.head(head),
        figure=showing.figure(doc),
        heads=showing.fact_heads(code) if facts else (),
        rows=list(reversed(showing.facts(facts, code, names=names))) if facts else (),
    )
