"""The Dash side of the boards: layout and callbacks. Rows: `boards/`, pictures: `figures/`."""
