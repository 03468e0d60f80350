"""The credit view: evidence, figures, consent, and what a bank may read of a company."""
