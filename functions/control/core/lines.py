"""Text of others as one line that can be printed."""


def one_line(text: object, longest: int) -> str:
    """
    >>> one_line("two\\nlines", 500), one_line("abcdef", 5)
    ('two lines', 'ab...')
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."
