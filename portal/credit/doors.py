"""All pages of this package; the composition root adds them."""

from flask import Flask

from portal.credit import bank_web, consent_web, web


def install(app: Flask) -> None:
    """Add the company's and the bank's pages to `app`."""
    for blueprint in (web.bp, consent_web.bp, bank_web.bp):
        app.register_blueprint(blueprint)
