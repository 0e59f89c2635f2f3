"""Training, evaluation and export of the expression classifier. Nothing in ``engage`` imports this package."""
