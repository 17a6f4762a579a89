"""Rows and their history as windows, by numpy and pandas alone."""
