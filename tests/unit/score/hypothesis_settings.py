"""How many examples the properties of this folder are tried on."""

from hypothesis import settings

few = settings(max_examples=40, deadline=None)
