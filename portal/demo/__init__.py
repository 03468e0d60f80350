"""The demo group: invented companies on simulated plants, and one that replays public data.

`cast.py` says who, `plants.py` with what machines, `load.py` puts them into an empty database.
"""
