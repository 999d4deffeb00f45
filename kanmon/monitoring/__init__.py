"""Monitorings from the command line: start one, find one, show what it found."""
