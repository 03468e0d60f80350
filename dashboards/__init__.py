"""Boards for companies and for group executives: Plotly Dash charts inside the portal's own pages.

Read only. Words and tables are Jinja (`web.py`, `templates/`), charts are Dash (`pages/charts.py`)
behind `guard.py`; both read `boards/` and so show the same numbers. Nothing is stored here.
"""
