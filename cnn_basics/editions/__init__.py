"""Every edition of the lessons, made from the same notebooks: `python -m cnn_basics.editions`."""
