"""A rule's text changed in place keeps what its author wrote."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sent.engines.radar.rulebook.ruletext import alone, body_of, derived, id_of, with_author, with_id
from sent.platform.errors import Invalid

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
TEXT = f"""# Kept by its author
title: 'Quoted: title'   # so
id: {ONE}
related:
    - id: {TWO}
      type: similar
author: Ann, Bob
detection:
    a: {{A: "b"}}   # flow
    condition: a
"""
BARE = "title: x\ndetection: {a: {A: b}, condition: a}\n"


def test_an_id_is_put_behind_the_title_or_changed_where_it_stands() -> None:
    assert with_id(BARE, ONE) == BARE.replace("title: x\n", f"title: x\nid: {ONE}\n")
    assert with_id(TEXT, TWO) == TEXT.replace(f"id: {ONE}\n", f"id: {TWO}\n")
    assert with_id(TEXT, ONE) == TEXT


def test_a_derived_rule_says_so_and_keeps_comments_and_other_relations() -> None:
    made = derived(TEXT, ONE, TWO)
    body = body_of(made)
    assert body["related"] == [{"id": ONE, "type": "derived"}, {"id": TWO, "type": "similar"}]
    assert (body["id"], id_of(body)) == (TWO, TWO)
    assert "# Kept by its author" in made and "# so" in made and '"b"}   # flow' in made
    assert derived(made, ONE, TWO) == made, "once is enough"
    assert body_of(derived(BARE, ONE, TWO))["related"] == [{"id": ONE, "type": "derived"}]


def test_authors_are_added_once_each_and_in_order() -> None:
    assert body_of(with_author(TEXT, ["Ann, Bob", "Ann", "Cy: D."]))["author"] == "Ann, Bob, Cy: D."
    folded = TEXT.replace("author: Ann, Bob\n", "author: >\n    Ann,\n    Bob\n")
    assert body_of(with_author(folded, ["Ann, Bob", "Eve"]))["author"] == "Ann, Bob, Eve"
    assert "# Kept" in with_author(folded, ["Eve"])


@pytest.mark.parametrize(
    "text",
    [
        f"{{title: x, id: {ONE}, detection: {{a: {{A: b}}, condition: a}}}}",
        'title: x\n"id": &a 5\nauthor: *a\ndetection: {a: {A: b}, condition: a}',
        f"? title\n: x\n? id\n: {ONE}\ndetection: {{a: {{A: b}}, condition: a}}\n",
        "detection: {a: {A: b}, condition: a}\ntitle: x",
        "\ufefftitle: x\ndetection: {a: {A: b}, condition: a}\n".removeprefix("\ufeff"),
        "title: x\r\ndetection: {a: {A: b}, condition: a}\r\n",
    ],
)
def test_texts_of_any_shape_come_out_as_wished(text: str) -> None:
    body = body_of(with_author(derived(text, ONE, TWO), ["Zoë"]))
    assert (body["id"], body["author"], body["related"]) == (TWO, "Zoë", [{"id": ONE, "type": "derived"}])
    assert body["detection"] == {"a": {"A": "b"}, "condition": "a"}


@example("", "0\x850")
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_title_and_author_survive(title: str, author: str) -> None:
    text = yaml.safe_dump(
        {"title": title, "author": author, "detection": {"a": {"A": "b"}, "condition": "a"}},
        allow_unicode=True,
    )
    kept = body_of(text)
    body = body_of(with_id(text, ONE))
    assert (body["title"], body["author"], body["id"]) == (kept["title"], kept["author"], ONE)
    wanted = dict.fromkeys(part.strip() for part in author.split(",") if part.strip())
    assert body_of(with_author(text, [author, "Eve"]))["author"] == ", ".join(dict.fromkeys([*wanted, "Eve"]))


def test_one_document_is_taken_out_of_a_file_of_several() -> None:
    second = TEXT.replace(ONE, TWO).replace("Quoted: title", "Second")
    whole = f"{TEXT}---\n{second}"
    assert body_of(alone(whole, TWO))["title"] == "Second"
    assert body_of(alone(whole, ONE))["title"] == "Quoted: title"
    assert alone(TEXT, "no such id") == TEXT
    foreign = f"title: Zoë \U0001f600 ünd\n---\r\n# größe\r\n{second.replace('Second', 'Zwölf')}"
    assert body_of(alone(foreign, TWO))["title"] == "Zwölf"
    assert with_id(second.replace("Second", "Zwölf \U0001f600"), ONE).count(ONE) == 1


@pytest.mark.parametrize("text", ["", "[", "- a", f"{TEXT}---\n{TEXT}", "title: x", "x" * 100_001])
def test_what_is_not_one_rule_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        body_of(text)
