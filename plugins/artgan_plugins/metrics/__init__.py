"""Measures of pictures: pure functions of a view, no weights needed but for `inception`."""
