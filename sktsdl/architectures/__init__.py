"""One file for each architecture: its module and its regressor, side by side."""
