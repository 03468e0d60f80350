"""Look and parts of every page: tokens, templates, figures, tables, pictures, headers."""
