"""Notices: what a stage had to tell people, and whether mail and chat got it."""
