"""All pages of this package; the composition root registers them."""

from pathlib import Path

from flask import Flask

from tenants import company_web, door_web, identity, me_web, oversight_web, people_web

BLUEPRINTS = (
    door_web.bp,
    me_web.bp,
    company_web.bp,
    people_web.bp,
    oversight_web.bp,
    oversight_web.cloud,
)


def install(app: Flask, *, var: Path, demo: bool, secure: bool) -> None:
    """Add sign-in and every page of this package to `app`."""
    identity.install(app, var=var, demo=demo, secure=secure)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
