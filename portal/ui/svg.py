"""Small pictures drawn on the server: sparkline, bars, waterfall, state strip, meter.

Each returns `Markup` with a `<title>`; colours come from classes and patterns alone, never from a
style, so they follow the theme and pass the strict content security policy. Widths are percent:
a picture stretches with its place and keeps its text outside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from markupsafe import Markup

STATES: Final = (
    "producing",
    "setup",
    "minor_stop",
    "down",
    "starved",
    "blocked",
    "idle",
    "maint_planned",
    "engineering",
    "unknown",
    "planned_stop",
)
"""Machine states that are drawn, each with a pattern `p-<state>` of ui/_patterns.svg."""

_OUTLINED: Final = frozenset({"unknown", "planned_stop"})
_SPARK_WIDTH: Final = 92
_SPARK_HEIGHT: Final = 30


def sparkline(values: Sequence[float | None], *, title: str, target: float | None = None) -> Markup:
    """Draw a trend, oldest first; None breaks the line; a dashed `target`; the dot is now.

    Fewer than two known values give nothing: one point is no trend.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min((*known, *_some(target))), max((*known, *_some(target)))
    span = high - low or 1.0
    step = _SPARK_WIDTH / (len(values) - 1)
    points = [
        None if value is None else (index * step, _spark_y(value, low, span))
        for index, value in enumerate(values)
    ]
    path = " ".join(
        f"{'M' if start else 'L'}{x:.1f} {y:.1f}" for start, x, y in _with_starts(points)
    )
    x, y = next(point for point in reversed(points) if point is not None)
    parts = [_title(title)]
    if target is not None:
        level = f"{_spark_y(target, low, span):.1f}"
        parts.append(_markup('<path class="tg" d="M0 {0}H{1}"/>', level, _SPARK_WIDTH))
    parts.append(_markup('<path class="ln" d="{}"/>', path))
    parts.append(_markup('<circle class="pt" cx="{}" cy="{}" r="2.8"/>', f"{x:.1f}", f"{y:.1f}"))
    return _markup(
        '<svg class="spark" viewBox="0 0 {} {}" role="img">{}</svg>',
        _SPARK_WIDTH,
        _SPARK_HEIGHT,
        Markup("").join(parts),
    )


def _spark_y(value: float, low: float, span: float) -> float:
    return 3 + (_SPARK_HEIGHT - 6) * (1 - (value - low) / span)


def _some(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)


def _with_starts(
    points: Iterable[tuple[float, float] | None],
) -> Iterable[tuple[bool, float, float]]:
    start = True
    for point in points:
        if point is None:
            start = True
            continue
        yield (start, *point)
        start = False


@dataclass(frozen=True, slots=True)
class BarRow:
    """One row of a bar table: a bar from `start` over `length` of `whole`, and its figures.

    `fill` is a machine state, or one of bar, loss, bad, ok, main; `kind` is "total" or "end" for
    rows with a line above. `values` are written figures, right of the bar.
    """

    label: str
    start: float
    length: float
    whole: float
    fill: str = "bar"
    values: tuple[str, ...] = ()
    kind: str = ""
    sub: str = ""
    href: str = ""
    title: str = ""

    def bar(self) -> Markup:
        """Draw the bar; at least a hair wide, so that a small loss is seen."""
        left, width = _share(self.start, self.whole), _share(self.length, self.whole)
        return _markup(
            '<svg role="img">{}{}</svg>',
            _title(self.title or f"{self.label} {' '.join(self.values)}".strip()),
            _rect(f"{left:.2f}%", f"{max(width, 0.3):.2f}%", "2", "14", self.fill),
        )

    def swatch(self) -> Markup:
        """Draw the key of the bar's fill."""
        return _markup(
            '<svg class="swatch" aria-hidden="true">{}</svg>',
            _rect("0", "14", "0", "12", self.fill),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: a total, or an amount lost (negative where something was won)."""

    label: str
    amount: float
    total: bool = False
    fill: str = "loss"
    values: tuple[str, ...] = ()
    sub: str = ""
    href: str = ""


def waterfall(steps: Sequence[Step]) -> list[BarRow]:
    """Place the steps under each other: each loss hangs at the end of what is left before it.

    The largest total is the whole width; the last total, if any, is the end row.
    """
    whole = max((step.amount for step in steps if step.total), default=0.0)
    last = max((index for index, step in enumerate(steps) if step.total), default=-1)
    rows: list[BarRow] = []
    left = whole
    for index, step in enumerate(steps):
        if step.total:
            left, start, length = step.amount, 0.0, step.amount
        else:
            start, length = min(left - step.amount, left), abs(step.amount)
            left -= step.amount
        rows.append(
            BarRow(
                label=step.label,
                start=start,
                length=length,
                whole=whole,
                fill=step.fill if not step.total or step.fill != "loss" else "bar",
                values=step.values,
                kind=("end" if index == last else "total") if step.total else "",
                sub=step.sub,
                href=step.href,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class Span:
    """A machine's state from `started_at` to `ended_at`, aware; `title` is read and shown."""

    started_at: datetime
    ended_at: datetime
    state: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """The spans of one machine, in order, not overlapping."""

    spans: Sequence[Span] = field(default_factory=tuple)


def state_strip(
    lanes: Sequence[Lane], *, first_at: datetime, until_at: datetime, title: str, height: int = 34
) -> Markup:
    """Draw one lane per machine from `first_at` to `until_at`; the rest is not drawn.

    Needs `state_patterns()` on the page. Time not scheduled stays empty.
    """
    whole_s = (until_at - first_at).total_seconds()
    gap = 2 if len(lanes) > 1 else 0
    lane_height = (height - gap * (len(lanes) - 1)) / max(len(lanes), 1)
    rects = [
        _lane_rect(span, first_at, whole_s, index * (lane_height + gap), lane_height)
        for index, lane in enumerate(lanes)
        for span in lane.spans
        if span.state in STATES and span.ended_at > first_at and span.started_at < until_at
    ]
    return _markup(
        '<svg class="strip" height="{}" role="img">{}{}</svg>',
        height,
        _title(title),
        Markup("").join(rects),
    )


def _lane_rect(span: Span, first_at: datetime, whole_s: float, top: float, height: float) -> Markup:
    start = max((span.started_at - first_at).total_seconds(), 0.0)
    end = min((span.ended_at - first_at).total_seconds(), whole_s)
    return _rect(
        f"{start / whole_s:.2%}",
        f"{(end - start) / whole_s:.2%}",
        f"{top:.1f}",
        f"{height:.1f}",
        span.state,
        title=span.title,
    )


def meter(done: float, whole: float, *, title: str, fill: str = "main") -> Markup:
    """Draw how much of `whole` is done."""
    return _markup(
        '<svg class="meter" height="8" role="img">{}<rect width="100%" height="8" class="f-hair"/>'
        "{}</svg>",
        _title(title),
        _rect("0", f"{_share(done, whole):.2f}%", "0", "8", fill),
    )


def _share(part: float, whole: float) -> float:
    return 0.0 if whole <= 0 else min(max(part / whole, 0.0), 1.0) * 100


def _rect(x: str, width: str, y: str, height: str, fill: str, *, title: str = "") -> Markup:
    paint: Markup
    if fill in STATES:
        outline = Markup(' class="o-line"') if fill in _OUTLINED else Markup("")
        paint = _markup('fill="url(#p-{})"{}', fill, outline)
    else:
        paint = _markup('class="f-{}"', fill)
    place = _markup('x="{}" width="{}" y="{}" height="{}"', x, width, y, height)
    if title:
        return _markup("<rect {} {}>{}</rect>", place, paint, _title(title))
    return _markup("<rect {} {}/>", place, paint)


def _title(text: str) -> Markup:
    return _markup("<title>{}</title>", text)


def _markup(template: str, *values: object) -> Markup:
    # The templates are the literals of this module; `format` of Markup escapes every value.
    return Markup(template).format(*values)  # noqa: S704
