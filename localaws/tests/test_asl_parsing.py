"""A definition is parsed into just what moto's own lexer and parser make of it, errors included."""

import json
from typing import Any

import pytest
from antlr4 import CommonTokenStream, InputStream
from hypothesis import example, given
from hypothesis import strategies as st
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from localaws.asl import parsing

FAILED = {"Type": "Fail", "Error": "Odd", "Cause": "{% $states.input.why %}"}
RETRY = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1.5, "MaxAttempts": 0}
JSONATA = {
    "Comment": 'quotes " and \\ and é',
    "QueryLanguage": "JSONata",
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {
                "FunctionName": "f",
                "Payload": {"a": ["{% $x %}", 1, -2.5e3, True, None], "b": {}, "c": []},
            },
            "Assign": {"x": "{% $states.result.Payload %}", "y": {"z": [{"deep": "$"}]}},
            "Output": "{% $states.result %}",
            "Retry": [{**RETRY, "MaxDelaySeconds": 9, "JitterStrategy": "FULL"}],
            "Catch": [{"ErrorEquals": ["Odd", "States.Timeout"], "Next": "Failed"}],
            "TimeoutSeconds": 60,
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $x = 1 %}", "Next": "Both", "Assign": {"x": 2}}],
            "Default": "Failed",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}],
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": "{% $x %}", "Next": "Done"},
        "Done": {"Type": "Succeed", "Output": {"States.Runtime": "{%%}"}},
        "Failed": FAILED,
    },
}
JSONPATH = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 2,
            "ItemSelector": {"value.$": "$$.Map.Item.Value", "text": "$.no path"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "One",
                "States": {
                    "One": {
                        "Type": "Pass",
                        "Parameters": {"said.$": "States.Format('{} (\\'ok\\')', $.value)"},
                        "ResultPath": "$.said[0]",
                        "End": True,
                    }
                },
            },
            "ResultPath": None,
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.a", "IsPresent": True},
                        {"Not": {"Variable": "$.a", "StringEqualsPath": "$.b"}},
                    ],
                    "Next": "Done",
                }
            ],
        },
        "Done": {"Type": "Succeed"},
    },
}
PIECES = (
    *('"', "\\", "$", "$$", ".", ".$", "[", "]", "{", "}", "{%", "%}", "%", "(", ")", ",", ":"),
    *("States.", "States.Format(", "Comment", "true", "null", "a", "é", "\U0001f600", "\\u00e9"),
    *("\\n", "\\x", "0", "1", "-", "+", "e", "E", "12.5e-3", " ", "\n", "\t", "\x01", "\x7f"),
    *('"{% $x %}"', '"$.a"', '"Type"', '"States.ALL"', '"a.$"'),
)


def shown(words: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (one.type, one.text, one.start, one.stop, one.line, one.column, one.channel, one.tokenIndex)
        for one in words
    ]


def words_of_moto(text: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Its words, and what it could not read."""
    unread: list[str] = []
    lexer = ASLLexer(InputStream(text))
    lexer.removeErrorListeners()
    lexer.notifyListeners = lambda error: unread.append(str(error.startIndex))
    stream = CommonTokenStream(lexer)
    stream.fill()
    return shown(stream.tokens), unread


def outcome(parse: Any, definition: str) -> str:
    try:
        return type(parse(definition)).__name__
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example("")
@example(" ")
@example('"$"')
@example('"{%}"')
@example('"{%%}"')
@example('"States.()"')
@example('"$States.a(b).$"')
@example("01 -0 1e05 1.e5 -")
@example("truefalse")
def test_a_text_has_the_words_that_the_grammar_gives_it(text):
    words, unread = words_of_moto(text)

    found = parsing._words(ASLLexer(InputStream(text)), text)

    assert (found is None) == bool(unread)
    if found is not None:
        assert shown(found) == words


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("definition", [JSONATA, JSONPATH])
def test_a_definition_has_the_syntax_tree_that_moto_gives_it(definition, indent):
    text = json.dumps(definition, indent=indent, ensure_ascii=bool(indent))
    _, expected = AmazonStateLanguageParser.parse(text)

    tree = parsing._tree(text)

    assert tree is not None
    assert tree.toStringTree(ASLParser.ruleNames) == expected.toStringTree(ASLParser.ruleNames)


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "{",
        "{}",
        "[1, 2",
        '{"StartAt": "S"}',
        '{"StartAt": "S", "States": {"S": {"Type": "Pass"}}, "Comment": \'no\'}',
        '{"StartAt": "S", "States": {"S": {"Type": "Task", "End": true}}}',
        '{"StartAt": "S", "States": {"S": {"Type": "Nothing", "End": true}}}',
        json.dumps(JSONPATH),
        json.dumps(JSONATA),
    ],
)
def test_what_moto_refuses_is_refused_in_its_words(definition):
    moto = outcome(lambda text: AmazonStateLanguageParser.parse(text)[0], definition)

    assert outcome(parsing.parse, definition) == moto
