"""The hour-by-hour board: what was planned in each hour, what came, and what cost most of it.

The plan of an hour is its planned seconds through the mean planned run time of the day; where no
product has one there is no plan, and nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.production.oee import losses
from portal.production.states import MachineState
from portal.production.sums import Bucket, OutputSums, TimeSums, total_output

SHORT_OF_PLAN: Final = 0.8


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour. `gap` is the running difference of good pieces to the plan since the first hour."""

    start: datetime
    plan: float | None
    good: float | None
    scrap: float | None
    gap: float | None
    worst: MachineState | None
    worst_s: float
    energy_kwh: float | None
    idle_kwh: float | None
    known: bool

    @property
    def short(self) -> bool:
        """Whether the hour stayed under 80 % of its plan."""
        return bool(self.plan) and (self.good or 0.0) < SHORT_OF_PLAN * (self.plan or 0.0)


def hours(buckets: Sequence[Bucket]) -> list[Hour]:
    """Return the hours of one place, sorted; several buckets of one hour (machines) are added."""
    by_start: dict[datetime, tuple[TimeSums, OutputSums]] = {}
    for bucket in buckets:
        if bucket.bucket_start is not None:
            time, output = by_start.get(bucket.bucket_start, (TimeSums(), OutputSums()))
            by_start[bucket.bucket_start] = (time + bucket.time, output + bucket.output)
    pri_s = _mean_run_time(total_output(output for _, output in by_start.values()))
    gap: float | None = 0.0 if pri_s else None
    rows = []
    for start in sorted(by_start):
        time, output = by_start[start]
        plan = time.pbt_s / pri_s if pri_s else None
        if gap is not None and plan is not None:
            gap += (output.gq or 0.0) - plan
        rows.append(_hour(start, time, output, plan, gap))
    return rows


def _hour(
    start: datetime, time: TimeSums, output: OutputSums, plan: float | None, gap: float | None
) -> Hour:
    lost = [step for step in losses(time, output) if step.state and not step.total]
    within = [step for step in lost if step.state not in _OUTSIDE_PLAN and step.seconds > 0]
    worst = max(within, key=lambda step: step.seconds, default=None)
    return Hour(
        start=start,
        plan=plan,
        good=output.gq,
        scrap=output.sq,
        gap=gap,
        worst=worst.state if worst else None,
        worst_s=worst.seconds if worst else 0.0,
        energy_kwh=time.energy_kwh,
        idle_kwh=time.idle_kwh,
        known=time.pbt_s == 0 or time.unk_s < time.pbt_s,
    )


_OUTSIDE_PLAN: Final = frozenset({MachineState.NOT_SCHEDULED, MachineState.PLANNED_STOP})


def _mean_run_time(output: OutputSums) -> float | None:
    rated = (output.pq or 0.0) - output.norate_pq
    return output.prit_s / rated if rated > 0 and output.prit_s > 0 else None
