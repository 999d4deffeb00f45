"""Parses a state machine's definition as moto does, in a third of the time.

moto's lexer follows its grammar through ANTLR's automaton, character by character in Python. Every
word of that grammar ends where JSON's does, so one regular expression finds them all, and what kind
each is can be told afterwards. Its parser asks at every ambiguous place what may follow in full
context (LL); what can be parsed without (SLL) has the same tree. What cannot be read in these ways
is moto's own to parse, and to say what is wrong with it.
"""

import re
from typing import Any

from antlr4 import CommonTokenStream, InputStream, PredictionMode, Token
from antlr4.Token import CommonToken
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    SyntaxErrorListener,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_INTEGER = r"(?:0|[1-9][0-9]*)"
_WORD = re.compile(
    r"(?P<space>[ \t\n\r]+)"
    r'|(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    rf"|(?P<number>-?{_INTEGER}(?:\.[0-9]+)?(?:[Ee][+-]?{_INTEGER})?)"
    r"|[\[\]{}:,]|true|false|null"
)
# In the grammar's order: a string is of the first kind that it matches.
_KINDS = (
    (re.compile(r'.*\.\$"', re.DOTALL), ASLLexer.STRINGDOLLAR),
    (re.compile(r'"\$\$'), ASLLexer.STRINGPATHCONTEXTOBJ),
    (re.compile(r'"\$[".[]'), ASLLexer.STRINGPATH),
    (re.compile(r'"\$[a-zA-Z_]'), ASLLexer.STRINGVAR),
    (re.compile(r'"States\..+\(.*\)"', re.DOTALL), ASLLexer.STRINGINTRINSICFUNC),
    (re.compile(r'"\{%.*%\}"', re.DOTALL), ASLLexer.STRINGJSONATA),
)
_FIXED = {text[1:-1]: kind for kind, text in enumerate(ASLLexer.literalNames) if kind}


def parse(definition: str) -> Any:
    """The program that a definition is. Raises what moto raises where it cannot be one."""
    tree = _tree(definition)
    if tree is None:
        return AmazonStateLanguageParser.parse(definition)[0]
    return Preprocessor().visit(tree)


def _tree(definition: str) -> Any:
    """The syntax tree, or None where only moto can tell whether there is one."""
    lexer = ASLLexer(InputStream(definition))
    words = _words(lexer, definition)
    if words is None:
        return None
    stream = CommonTokenStream(lexer)
    stream.tokens, stream.fetchedEOF = words, True
    parser, found = ASLParser(stream), SyntaxErrorListener()
    parser._interp.predictionMode = PredictionMode.SLL
    parser.removeErrorListeners()
    parser.addErrorListener(found)
    tree = parser.state_machine()
    return None if found.errors else tree


def _words(lexer: Any, text: str) -> list[CommonToken] | None:
    """All words and the end, or None where the text has something else."""
    source = (lexer, lexer.inputStream)
    found: list[CommonToken] = []
    position, line, line_begins = 0, 1, 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            return None
        word, start, position = match[0], position, match.end()
        if match.lastgroup == "space":
            if "\n" in word:
                line += word.count("\n")
                line_begins = start + word.rindex("\n") + 1
            continue
        kind = _FIXED.get(word) or _kind(word, match.lastgroup)
        found.append(_token(source, kind, start, word, (line, start - line_begins)))
    place = (line, position - line_begins)
    found.append(_token(source, Token.EOF, position, "", place))
    for index, token in enumerate(found):
        token.tokenIndex = index
    return found


def _kind(word: str, group: str | None) -> int:
    """What a word is that the grammar does not list."""
    if group == "number":
        return int(ASLLexer.INT if word.isdigit() else ASLLexer.NUMBER)
    return next((kind for pattern, kind in _KINDS if pattern.match(word)), int(ASLLexer.STRING))


def _token(source: Any, kind: int, start: int, word: str, place: tuple[int, int]) -> CommonToken:
    made = CommonToken(source, kind, Token.DEFAULT_CHANNEL, start, start + len(word) - 1)
    made.line, made.column = place
    made.text = word if kind != Token.EOF else None
    return made
