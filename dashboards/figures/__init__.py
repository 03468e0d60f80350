"""Charts: rows in, `go.Figure` out. Pure: no request, no query, no clock; texts come as arguments.

Colours are those of the tokens for the reader's theme; a gap in the data is a gap in the chart.
"""
