"""Every touch of a private name of MiniStack, by concern; nothing else knows one.

MiniStack is pinned exactly. tests/local/test_patches.py fails when a name touched here has moved
or changed its shape, so that raising the pin starts with a list of what to look at.
"""
