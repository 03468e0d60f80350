"""All pages of this package; the composition root registers them with the ingestion door."""

from typing import Final

from flask import Flask

from portal.production import api, door_web, setup_web, sheet_web

BLUEPRINTS: Final = (door_web.bp, setup_web.bp, sheet_web.bp, api.bp)


def install(app: Flask) -> None:
    """Add every page and the ingestion door of this package to `app`."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
