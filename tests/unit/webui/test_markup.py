from __future__ import annotations

from webui.markup import Html, join, tag


def test_children_and_attributes_are_escaped():
    assert (
        tag("p", "<script>alert('x')</script> & more", title='"><img src=x>')
        == '<p title="&quot;&gt;&lt;img src=x&gt;">'
        "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more</p>"
    )


def test_html_is_not_escaped_twice():
    assert tag("div", tag("b", "a<b")) == "<div><b>a&lt;b</b></div>"
    assert join("a&", Html("<br>")) == "a&amp;<br>"


def test_attributes_that_are_absent_or_bare():
    assert tag("a", class_="x", hidden=True, title=None, open=False) == '<a class="x" hidden></a>'
    assert tag("img", alt="", data_width=0) == '<img alt="" data-width="0">'
