"""What is refused here."""

from flask_babel import lazy_gettext as _l

from kernel.errors import Conflict, Forbidden, Invalid, Unavailable


class ConsentScope(Forbidden):
    """The consent is live but does not open this; `element` says which part is missing."""

    code = "credit.consent_scope"
    sentence = _l("The consent does not cover this: %(element)s. Ask the company for more.")


class SecondPersonNeeded(Conflict):
    """Whoever prepared a consent does not approve it while a colleague may."""

    code = "credit.second_person_needed"
    sentence = _l("You prepared this consent; a colleague has to approve it.")


class WaitsForTheDay(Conflict):
    """A company of one approves its own consent only a day after it was prepared."""

    code = "credit.waits_for_the_day"
    sentence = _l("Nobody else can approve, so this waits a day: approve it from %(moment)s on.")


class PeriodOutOfRange(Invalid):
    """A consent lasts a day at least and a year at most."""

    code = "credit.period_out_of_range"
    sentence = _l("A consent lasts between 1 and %(limit_days)s days.")


class NoSuchBank(Invalid):
    """There is no bank of this code here."""

    code = "credit.no_such_bank"
    sentence = _l("Choose one of the banks in the list.")


class AlreadyAsked(Conflict):
    """A consent for this bank and purpose already waits for the company."""

    code = "credit.already_asked"
    sentence = _l("A consent for this bank and purpose is already being prepared.")


class ReadNotLogged(Unavailable):
    """The read could not be written down, so nothing was read."""

    code = "credit.read_not_logged"
    sentence = _l("This reading could not be recorded, so nothing was shown. Try again.")
