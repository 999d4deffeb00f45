"""Text and documents that try to break the page that shows them."""

from __future__ import annotations

from hypothesis import strategies as st

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</title></svg></table></section><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    "<a href='https://example.com/approve'>approve</a>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}{# #}",
    "<!-- --> <![CDATA[ ]]> <?php ?>",
    "&lt;b&gt;&#60;script&#62;&amp;",
    "עברית ‮evil‬ العربية",
    "\x00\x01\x1b[31m\x7f\x85\ufeff",
    "\ud800 lone, \uffff none",
    "line\r\nbreak\ttab\u2028\u2029",
    "😀" * 300,
    "W" * 5000,
    "",
    " ",
    "[]{}\\'\"`$",
]


texts = st.text(max_size=40) | st.sampled_from(HOSTILE)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
