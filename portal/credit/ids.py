"""Identities of this package."""

from typing import NewType
from uuid import UUID

ConsentId = NewType("ConsentId", UUID)
ConsentRequestId = NewType("ConsentRequestId", UUID)
ConsentEventId = NewType("ConsentEventId", UUID)
AccessId = NewType("AccessId", UUID)
EvidenceId = NewType("EvidenceId", UUID)
FigureId = NewType("FigureId", UUID)
