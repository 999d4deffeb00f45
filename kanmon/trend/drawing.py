"""A model's trend as an SVG file of its own, with its style and without scripts."""

from pathlib import Path

from kanmon.trend.chart import Chart

TEMPLATES = Path(__file__).parent / "templates"


def svg(chart: Chart) -> str:
    """The file's text; the same chart gives the same text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = made.get_template("alone.svg.jinja").render(chart=chart)
    return "\n".join(line for line in written.splitlines() if line.strip()) + "\n"
