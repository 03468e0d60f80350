"""The door: sign-in, a new password, the demo's buttons, switch, step-up, sign-out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from flask_login import UserMixin, login_user, logout_user

from kernel.actor import AUTHN, Kind
from kernel.errors import FieldProblem, Invalid, NotFound
from kernel.web import (
    current_database,
    current_work,
    find_actor,
    pages,
    protect_from_forgery,
    public,
    read_form,
    signed_in,
)
from tenants import sessions
from tenants.forms import DemoForm, NewPasswordForm, SignInForm, StepUpForm, SwitchForm
from tenants.identity import current_user_or_401, list_seats, sign_in_settings
from tenants.refilling import problems_of, safe_next, sent
from tenants.roles import COMPANY_LABELS, LABELS, CompanyKind, Role
from tenants.sessions import Begun, Browser, MustChange, Refused
from tenants.words import localised

bp = pages("door", __name__)
DEMO_PEOPLE: Final = "demo_people"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person whom the sign-in page offers by one click, in the demo alone."""

    login_name: str
    name_zh: str
    name_en: str
    roles: tuple[Role, ...]
    company_zh: str
    company_en: str
    company_kind: CompanyKind
    sees: LazyString | None

    def name(self) -> str:
        """The person's name in the reader's language."""
        return localised(self.name_zh, self.name_en)

    def company(self) -> str:
        """The company's name and kind in the reader's language; the group's without its kind."""
        name = localised(self.company_zh, self.company_en)
        if self.company_kind is CompanyKind.GROUP:
            return name
        return f"{name} · {COMPANY_LABELS[self.company_kind]}"

    def role(self) -> str:
        """Her roles in the reader's language."""
        return str(_(", ")).join(str(LABELS[role]) for role in self.roles)


class _Entering(UserMixin):  # type: ignore[misc]
    # What Flask-Login needs to write the cookie; the person herself is read at the next request.
    def __init__(self, sid: str) -> None:
        self.id = sid


@bp.get("/sign-in")
@public("the way in")
def show_sign_in() -> ResponseReturnValue:
    """Show the form, and in the demo its people."""
    if find_actor() is not None:
        return redirect(safe_next(request.args.get("next", "/")), code=303)
    return _sign_in_page(values={"next": request.args.get("next", "")})


@bp.post("/sign-in")
@public("the way in", acts_as=Kind.AUTHN)
def sign_in() -> ResponseReturnValue:
    """Begin a session for who knows name and password; one answer for every kind of no."""
    protect_from_forgery()
    try:
        form = read_form(SignInForm)
    except Invalid as refusal:
        return _sign_in_page(values=sent(), problems=problems_of(refusal)), 422
    outcome = sessions.sign_in(
        current_work(),
        sign_in_settings(),
        name=form.name,
        password=form.password,
        browser=_browser(),
    )
    match outcome:
        case Begun(sid):
            _enter(sid)
            return redirect(safe_next(form.next), code=303)
        case MustChange():
            flash(_("Choose a password of your own first."), "info")
            return redirect(url_for("door.show_new_password"), code=303)
        case Refused():
            return _sign_in_page(values=sent(), problems=(_wrong("password"),)), 422


@bp.post("/sign-in/demo")
@public("one click in the demo, refused elsewhere", acts_as=Kind.AUTHN)
def sign_in_to_demo() -> ResponseReturnValue:
    """Begin a session as a person of the demo."""
    protect_from_forgery()
    form = read_form(DemoForm)
    if form.login_name not in {person.login_name for person in _demo_people()}:
        raise NotFound
    begun = sessions.demo_sign_in(current_work(), login_name=form.login_name, browser=_browser())
    _enter(begun.sid)
    return redirect("/", code=303)


@bp.get("/sign-in/new-password")
@public("whoever knows a password may replace it")
def show_new_password() -> ResponseReturnValue:
    """Show the form for another password."""
    return render_template("tenants/new_password.html", values={}, problems=())


@bp.post("/sign-in/new-password")
@public("whoever knows a password may replace it", acts_as=Kind.AUTHN)
def change_password() -> ResponseReturnValue:
    """Replace the password, end other sessions, begin a new one."""
    protect_from_forgery()
    try:
        form = read_form(NewPasswordForm)
        if form.new_password != form.again:
            problem = FieldProblem("again", _("The two are not the same."), "differs")
            return _new_password_page((problem,))
        with current_work().session.begin_nested():
            outcome = sessions.change_password(
                current_work(),
                sign_in_settings(),
                name=form.name,
                password=form.password,
                new_password=form.new_password,
                browser=_browser(),
            )
    except Invalid as refusal:
        return _new_password_page(problems_of(refusal))
    if isinstance(outcome, Refused):
        return _new_password_page((_wrong("password"),))
    _enter(outcome.sid)
    flash(_("The password is changed. Other sessions have been ended."))
    return redirect("/", code=303)


@bp.post("/sign-out")
@signed_in()
def sign_out() -> ResponseReturnValue:
    """End this session, here and in the browser."""
    sessions.sign_out(current_work())
    logout_user()
    session.clear()
    response = redirect(url_for("door.show_sign_in"), code=303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.get("/switch")
@signed_in()
def show_switch() -> ResponseReturnValue:
    """Show the person's seats."""
    user = current_user_or_401()
    assert user.actor.person_id is not None
    with current_database().work(AUTHN, read_only=True) as work:
        seats = list_seats(work, user.actor.person_id)
    return render_template(
        "tenants/switch.html", seats=seats, current=user.seat.key, kinds=COMPANY_LABELS,
        labels=LABELS,
    )  # fmt: skip


@bp.post("/switch")
@signed_in()
def switch() -> ResponseReturnValue:
    """End this session and begin one in another seat."""
    form = read_form(SwitchForm)
    with current_database().work(AUTHN) as work:
        begun = sessions.switch(work, current_user_or_401(), seat_key=form.seat, browser=_browser())
    _enter(begun.sid)
    return redirect("/", code=303)


@bp.get("/auth/step-up")
@signed_in()
def show_step_up() -> ResponseReturnValue:
    """Ask for the password again."""
    return _step_up_page(request.args.get("next", "/"), ())


@bp.post("/auth/step-up")
@signed_in()
def step_up() -> ResponseReturnValue:
    """Take the password as a fresh proof and go on to where the person was."""
    try:
        form = read_form(StepUpForm)
    except Invalid as refusal:
        return _step_up_page(request.form.get("next", "/"), problems_of(refusal)), 422
    user = current_user_or_401()
    with current_database().work(AUTHN) as work:
        outcome = sessions.step_up(
            work, sign_in_settings(), user, password=form.password, browser=_browser()
        )
    if isinstance(outcome, Refused):
        return _step_up_page(form.next, (_wrong("password"),)), 422
    # The same person in the same company: her open forms in other tabs stay good.
    login_user(_Entering(outcome.sid))
    return redirect(safe_next(form.next), code=303)


def _enter(sid: str) -> None:
    # A new sid and a new CSRF token: nothing of the session before is worth anything now.
    session.clear()
    login_user(_Entering(sid))


def _browser() -> Browser:
    return Browser(request.remote_addr or "", request.headers.get("User-Agent", ""))


def _wrong(field: str) -> FieldProblem:
    return FieldProblem(field, _("Name and password do not belong together."), "wrong")


def _demo_people() -> Sequence[DemoPerson]:
    if not sign_in_settings().demo:
        return ()
    people: Sequence[DemoPerson] = current_app.extensions.get(DEMO_PEOPLE, ())
    return people


def _sign_in_page(*, values: dict[str, str], problems: tuple[FieldProblem, ...] = ()) -> Response:
    groups: dict[str, list[DemoPerson]] = {}
    for person in _demo_people():
        groups.setdefault(person.company(), []).append(person)
    page = render_template(
        "tenants/sign_in.html", values=values, problems=problems, columns=_columns(groups)
    )
    return Response(page)


def _columns(
    groups: dict[str, list[DemoPerson]],
) -> list[list[tuple[str, list[DemoPerson]]]]:
    # Two columns of about the same length; a company stays together.
    columns: list[list[tuple[str, list[DemoPerson]]]] = [[], []]
    half = (sum(len(people) + 1 for people in groups.values()) + 1) // 2
    taken = 0
    for name, people in groups.items():
        columns[0 if taken < half else 1].append((name, people))
        taken += len(people) + 1
    return [column for column in columns if column]


def _new_password_page(problems: tuple[FieldProblem, ...]) -> ResponseReturnValue:
    page = render_template("tenants/new_password.html", values=sent(), problems=problems)
    return page, 422


def _step_up_page(back: str, problems: tuple[FieldProblem, ...]) -> str:
    user = current_user_or_401()
    return render_template(
        "tenants/step_up.html",
        back=safe_next(back),
        problems=problems,
        by_button=sign_in_settings().demo and user.provider == "demo",
    )
