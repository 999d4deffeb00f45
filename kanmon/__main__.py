"""`python -m kanmon` is `kanmon`."""

from kanmon.cli import main

main(prog_name="kanmon")
