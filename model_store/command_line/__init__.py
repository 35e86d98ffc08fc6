"""The store's command line, ``python -m model_store``: a file for each group of commands."""
