"""Identities of this package. A unit is named by its place; a fact by what it says."""

from typing import NewType
from uuid import UUID

BatchId = NewType("BatchId", UUID)
FactId = NewType("FactId", UUID)
QuarantineId = NewType("QuarantineId", UUID)
SheetId = NewType("SheetId", UUID)
ImportId = NewType("ImportId", UUID)
RuleId = NewType("RuleId", UUID)
MarkId = NewType("MarkId", UUID)
