"""What each board reads: one module a board, queries in, frozen rows out.

Pages, charts and exports of one board all come from here, with the same selection, so that the
numbers on the screen and in a file are the same.
"""
