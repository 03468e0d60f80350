"""What is refused here."""

from flask_babel import lazy_gettext as _l

from kernel.errors import Conflict, Forbidden, Invalid


class OutOfReach(Forbidden):
    """The place is the company's, but not within the person's grant."""

    code = "tenants.out_of_reach"
    sentence = _l("This lies outside the places where you hold the role.")


class GrantToOneself(Forbidden):
    """Nobody gives herself a role, or takes one from herself."""

    code = "tenants.grant_to_oneself"
    sentence = _l("Somebody else has to change your own roles.")


class RoleDoesNotFit(Invalid):
    """The role does not exist in this kind of company."""

    code = "tenants.role_does_not_fit"
    sentence = _l("This role does not exist in a company of this kind.")


class GrantExists(Conflict):
    """The person holds this role at this place already."""

    code = "tenants.grant_exists"
    sentence = _l("The person holds this role at this place already.")


class GrantEnded(Conflict):
    """Somebody else revoked it first."""

    code = "tenants.grant_ended"
    sentence = _l("This role has been revoked already.")


class LastAdministrator(Conflict):
    """A company without an administrator could never be changed again."""

    code = "tenants.last_administrator"
    sentence = _l("This is the last administrator of the company. Name another one first.")


class MembershipEnded(Conflict):
    """The person no longer works for the company."""

    code = "tenants.membership_ended"
    sentence = _l("This person has left the company.")


class NameTaken(Conflict):
    """The sign-in name or e-mail address belongs to somebody; which one is not said."""

    code = "tenants.name_taken"
    sentence = _l("This sign-in name or e-mail address cannot be used. Choose another one.")


class CodeTaken(Conflict):
    """Codes of places are unique within a company, retired ones included."""

    code = "tenants.code_taken"
    sentence = _l("The code %(place_code)s is in use already, perhaps by a retired place.")


class WrongParent(Invalid):
    """A place stands below one of a higher level."""

    code = "tenants.wrong_parent"
    sentence = _l("A place of this level cannot stand there. Choose a place of a higher level.")


class SiteNeedsClock(Invalid):
    """A site decides the zone and the start of the production day for all below it."""

    code = "tenants.site_needs_clock"
    sentence = _l("A site needs a time zone and the start of its production day; others have none.")


class PlaceHasPlacesBelow(Conflict):
    """A place with places at work below it cannot be retired."""

    code = "tenants.place_has_places_below"
    sentence = _l("Places at work below this one: %(count)s. Retire them first.")


class PlaceRetired(Conflict):
    """The place is retired already."""

    code = "tenants.place_retired"
    sentence = _l("This place is retired.")


class PasswordRefused(Invalid):
    """The new password is too easy to guess, or too short, or too long."""

    code = "tenants.password_refused"
    sentence = _l("Choose another password: %(why)s")


class TokenLastsTooLong(Invalid):
    """A token ends after a year at the latest."""

    code = "tenants.token_lasts_too_long"
    sentence = _l("A token lasts between 1 and %(limit_days)s days.")


class NoSuchSource(Invalid):
    """The data source is not one of the company's."""

    code = "tenants.no_such_source"
    sentence = _l("Choose one of the company's data sources.")


class NoSeat(Forbidden):
    """The password is right, but no company counts the person among its people."""

    code = "tenants.no_seat"
    sentence = _l("You belong to no company here. Ask your administrator.")


class UsccInvalid(Invalid):
    """The check character of the registered code is wrong."""

    code = "tenants.uscc_invalid"
    sentence = _l("This is not a valid unified social credit code: %(uscc)s.")
