"""What is refused in this package, and what to do about it."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from kernel.errors import Conflict, Invalid, NotFound, PayloadTooLarge, PortalError
from portal.production.lines import LineProblem


class BatchMalformed(Invalid):
    """Lines of a batch cannot be read; nothing of it was stored."""

    code = "production.batch_malformed"
    sentence = _l("Lines are malformed; nothing of the batch was stored. Correct them, send again.")

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        super().__init__(errors=[problem.to_json() for problem in problems])


class BatchTooLarge(PayloadTooLarge):
    """A batch is larger than the door takes."""

    code = "production.batch_too_large"
    sentence = _l("The batch is larger than %(limit)s bytes. Send it in smaller parts.")


class EncodingUnknown(PortalError):
    """The body is packed in a way the door does not know."""

    code = "production.encoding_unknown"
    status = 415
    sentence = _l("Send NDJSON, plain or packed with gzip.")


class BodyDamaged(Invalid):
    """The packed body cannot be unpacked."""

    code = "production.body_damaged"
    sentence = _l("The packed body is damaged. Send it again.")


class KeyMissing(Invalid):
    """A batch needs a key, so that sending it again changes nothing."""

    code = "production.key_missing"
    sentence = _l("Send the header Idempotency-Key with 1 to 255 characters.")


class KeyReused(Invalid):
    """The key belongs to a batch with another body."""

    code = "production.key_reused"
    sentence = _l("This key was used for another body. Give every batch its own key.")


class BatchRunning(Conflict):
    """The same batch is being stored at this moment."""

    code = "production.batch_running"
    sentence = _l("This batch is being stored right now. Ask again in a moment.")


class SourceRetired(Conflict):
    """A retired source sends no more."""

    code = "production.source_retired"
    sentence = _l("This source has been retired. Send with the token of another one.")


class RowAlreadyResolved(Conflict):
    """Somebody has replayed or dismissed the line before."""

    code = "production.row_already_resolved"
    sentence = _l("This line has been dealt with already.")


class RowStillMisplaced(Conflict):
    """The cause of the quarantine still stands."""

    code = "production.row_still_misplaced"
    sentence = _l("The cause still stands (%(problem)s). Mend it first, then replay.")


class SheetSumsDiffer(Invalid):
    """Produced is not good, scrap and rework together."""

    code = "production.sheet_sums_differ"
    sentence = _l("Produced is %(given)s, but good, scrap and rework together are %(expected)s.")


class SheetMinutesTooMany(Invalid):
    """More minutes were lost than the shift has."""

    code = "production.sheet_minutes_too_many"
    sentence = _l("Lost minutes are %(given)s, but the shift has %(expected)s planned minutes.")


class SheetNumberNegative(Invalid):
    """A quantity or a time below 0."""

    code = "production.sheet_number_negative"
    sentence = _l("%(given)s is below %(expected)s: quantities and minutes cannot be negative.")


class SheetExists(Conflict):
    """The shift has a sheet; it can only be corrected."""

    code = "production.sheet_exists"
    sentence = _l("This shift has a sheet already. Correct it, and say why.")


class SheetChanged(Conflict):
    """Somebody has corrected the sheet meanwhile."""

    code = "production.sheet_changed"
    sentence = _l("Somebody has corrected this sheet meanwhile. Look at the newest one.")


class SheetSigned(Conflict):
    """The sheet bears a signature already."""

    code = "production.sheet_signed"
    sentence = _l("This sheet is signed already.")


class SheetSelfSigned(Conflict):
    """Who entered a sheet does not sign it."""

    code = "production.sheet_self_signed"
    sentence = _l("You entered this sheet; the shift leader signs it.")


class ShiftNotOver(Conflict):
    """A sheet is handed in when the shift has ended."""

    code = "production.shift_not_over"
    sentence = _l("This shift has not ended yet. Hand in its sheet when it has.")


class ShiftUnknown(NotFound):
    """The calendar has no such shift on that day."""

    code = "production.shift_unknown"
    sentence = _l("The calendar has no such shift on this day.")


class FileUnreadable(Invalid):
    """The file cannot be read as what it was said to be."""

    code = "production.file_unreadable"
    sentence = _l("The file cannot be read: %(why)s.")


class FileTooLarge(PayloadTooLarge):
    """The file is larger than an upload may be."""

    code = "production.file_too_large"
    sentence = _l("The file is larger than %(limit_mib)s MiB. Split it.")


class DeviceModelUnreadable(Invalid):
    """The file is no device model."""

    code = "production.device_model_unreadable"
    sentence = _l("This is no device model: an MTConnectDevices document (XML) is expected.")


class DeviceAmbiguous(Invalid):
    """A document with several devices must name one as the machine is called."""

    code = "production.device_ambiguous"
    sentence = _l("None of its devices is called %(code)s: %(names)s.")


class WindowWrong(Invalid):
    """An archive says from when until when its lines are."""

    code = "production.window_wrong"
    sentence = _l("Give the window of the file: from before until, at most ten years.")


class UnitUnknown(Invalid):
    """No machine has this code."""

    code = "production.unit_unknown"
    sentence = _l("There is no machine with this code.")


class NameTaken(Conflict):
    """A source of this name exists."""

    code = "production.name_taken"
    sentence = _l("There is a source of this name already.")
