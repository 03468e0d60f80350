"""Machine-days for the tests of figures; keywords only, everything else is an ordinary day."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from portal.credit.ids import EvidenceId
from portal.credit.metrics.facts import DayFact
from portal.credit.words import Quality

AS_OF = date(2026, 11, 20)
KNOWN_AT = datetime(2026, 11, 24, tzinfo=UTC)
LATHE, MILL = UUID(int=0xA), UUID(int=0xB)


def make_fact(*, day=AS_OF, unit_id=LATHE, revision=1, **changed):
    evidence_id = uuid4()
    values = {
        "evidence_id": EvidenceId(evidence_id),
        "unit_id": unit_id,
        "day": day,
        "revision": revision,
        "version": revision,
        "quality": Quality.OK,
        "recorded_at": KNOWN_AT - timedelta(days=1),
        "commit": sha256(evidence_id.bytes).digest(),
        "pbt_s": 36_000,
        "apt_s": 27_000,
        "unk_s": 0,
        "declared_s": 0,
        "pq_milli": 100_000,
        "gq_milli": 97_000,
        "energy_wh": 50_000,
    }
    return DayFact(**(values | changed))


def make_days(count, *, last=AS_OF, unit_id=LATHE, **changed):
    """`count` ordinary days of one machine that end with `last`."""
    return [
        make_fact(day=last - timedelta(days=back), unit_id=unit_id, **changed)
        for back in range(count)
    ]
