"""Figures of the credit profile: evidence in, integers out.

Pure: a metric sees machine-days and a date, nothing else. What a figure is called and how its
formula reads stands in `portal/credit/wording.py`.
"""
