"""Give an app the look of the portal: templates, static files, filters, globals of templates."""

from flask import Blueprint, Flask
from jinja2 import StrictUndefined
from werkzeug.local import LocalProxy

from portal.ui import svg
from portal.ui.assets import asset
from portal.ui.filters import FILTERS, message, ratio_range
from portal.ui.look import current_chrome, current_look
from portal.ui.numbers import GAP
from portal.ui.signs import status_sign


def install(app: Flask, *, version: str = "", demo: bool = False) -> None:
    """Add the blueprint `ui` (templates and files alone, no page) and what templates may call."""
    app.register_blueprint(
        Blueprint(
            "ui",
            __name__,
            template_folder="templates",
            static_folder="static",
            static_url_path="/static/ui",
        )
    )
    app.config["VERSION"], app.config["DEMO"] = version, demo
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(FILTERS)
    environment.globals.update(
        look=LocalProxy(current_look),
        chrome=LocalProxy(current_chrome),
        asset=asset,
        status_sign=status_sign,
        message=message,
        ratio_range=ratio_range,
        svg=svg,
        GAP=GAP,
    )
