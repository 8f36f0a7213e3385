"""Who is enrolled: a table with pages, and what may be deleted from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.markup import Html, join, tag
from webui.views.parts import card
from webui.views.search import act, done_note, problem_note
from webui.views.search_found import quality_words

if TYPE_CHECKING:
    from ood_face.types import Subject, TemplateRecord
    from webui.catalogue import Texts
    from webui.search_outcomes import People, Shelf

__all__ = ["people_view"]


def people_view(people: People | None, shelf: Shelf | None, words: Texts) -> Html:
    """Return a page of the people of a gallery, and the end of the gallery for administrators.

    Parameters
    ----------
    people : the page; None: nobody has asked yet
    shelf : the chosen gallery
    words : the language
    """
    if people is None or shelf is None or shelf.info is None:
        return Html()
    parts = [done_note(people.done, words), problem_note(people.problem, words)]
    if people.subjects or people.query or people.before:
        parts += [_search(people, words), _table(people, words), _pages(people, words)]
    elif people.problem is None:
        parts.append(card("waiting", words("people.none_title"), tag("p", words("people.none"))))
    if shelf.may_admin:
        parts.append(_end(shelf.info.name, words))
    return tag("div", *parts, class_="people")


def _search(people: People, words: Texts) -> Html:
    field = tag(
        "input",
        type="search",
        id="people-query",
        name_="query",
        value=people.query,
        maxlength=200,
        autocomplete="off",
    )
    label = tag("label", words("people.search"), for_="people-query")
    button = tag("button", words("people.find"), type="submit", class_="act act-plain")
    return tag(
        "form",
        tag("div", label, tag("div", field, button, class_="joined"), class_="field"),
        class_="form",
        role="search",
        data_act="find",
    )


def _table(people: People, words: Texts) -> Html:
    if not people.subjects:
        return tag("p", words("people.not_found", query=people.query), class_="summary")
    columns = ("who", "pictures", "quality", "added", "actions")
    head = [tag("th", words(f"people.{name}"), scope="col") for name in columns]
    body = join(*[_rows(subject, people, words) for subject in people.subjects])
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", body), class_="faces")
    label = words("people.table")
    cut = Html()
    if not people.all_sought:
        cut = tag("p", words("people.cut"), class_="problem")
    shown = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)
    return join(shown, cut)


def _rows(subject: Subject, people: People, words: Texts) -> Html:
    subject_id, name = subject.subject_id, subject.profile.name
    if people.asking == (subject_id, None):
        count = len(subject.templates)
        text = words("people.ask", who=name or subject_id, count=count)
        return tag("tr", tag("td", _question("delete", text, subject, words), colspan=5))
    opened = people.opened == subject_id
    scores = [t.ood_score for t in subject.templates if t.ood_score is not None]
    quality = quality_words(max(scores, default=None), words) if subject.templates else Html()
    who = tag("b", name or subject_id)
    below = tag("small", subject_id) if name and name != subject_id else Html()
    key = "people.hide" if opened else "people.show"
    buttons = [
        act(
            "open",
            words(key),
            data_id=subject_id,
            aria_expanded="true" if opened else "false",
            aria_label=words("people.show_of", who=name or subject_id),
        ),
        act(
            "ask",
            words("people.delete"),
            data_id=subject_id,
            aria_label=words("people.delete_of", who=name or subject_id),
        ),
    ]
    row = tag(
        "tr",
        tag("td", who, below, class_="person"),
        tag("td", str(len(subject.templates)), data_label=words("people.pictures")),
        tag("td", quality, data_label=words("people.quality")),
        tag("td", _day(subject), data_label=words("people.added")),
        tag("td", tag("div", *buttons, class_="acts")),
    )
    if not opened:
        return row
    return join(row, tag("tr", tag("td", _pictures(subject, people, words), colspan=5)))


def _pictures(subject: Subject, people: People, words: Texts) -> Html:
    if not subject.templates:
        return tag("p", words("people.no_picture"))
    items = [_picture(subject, one, people, words) for one in subject.templates]
    return tag("ul", *items, class_="templates")


def _picture(subject: Subject, one: TemplateRecord, people: People, words: Texts) -> Html:
    if people.asking == (subject.subject_id, one.template_id):
        return tag("li", _question("delete-picture", words("people.ask_one"), subject, words, one))
    return tag(
        "li",
        quality_words(one.ood_score, words),
        tag("span", words("people.added_on", day=_day(one)), class_="quiet"),
        act(
            "ask",
            words("people.delete_picture"),
            data_id=subject.subject_id,
            data_template=one.template_id,
        ),
    )


def _question(
    name: str, text: str, subject: Subject, words: Texts, one: TemplateRecord | None = None
) -> Html:
    # the answer that changes nothing has the focus
    template = None if one is None else one.template_id
    data = {"data_id": subject.subject_id, "data_template": template}
    yes = act(name, words("people.yes"), "danger", **data, data_version=subject.version)
    no = act("keep", words("people.no"), data_focus=True)
    return tag(
        "div",
        tag("p", text),
        tag("div", no, yes, class_="acts"),
        class_="question",
        role="alertdialog",
        aria_label=words("people.sure"),
    )


def _pages(people: People, words: Texts) -> Html:
    if not people.before and not people.more:
        return Html()
    number = tag("span", words("people.page", number=len(people.before) + 1))
    back = act("back", words("people.back"), disabled=not people.before)
    on = act("on", words("people.on"), disabled=not people.more)
    return tag("nav", back, number, on, class_="pages", aria_label=words("people.pages"))


def _end(gallery: str, words: Texts) -> Html:
    field = tag("input", type="text", id="end-name", name_="name", autocomplete="off")
    label = tag("label", words("people.end_type", gallery=gallery), for_="end-name")
    button = tag("button", words("people.end_button"), type="submit", class_="act act-danger")
    form = tag(
        "form",
        tag("p", words("people.end_note")),
        tag("div", label, tag("div", field, button, class_="joined"), class_="field"),
        class_="form",
        data_act="end",
    )
    return tag("details", tag("summary", words("people.end")), form, class_="end-gallery")


def _day(thing: Subject | TemplateRecord) -> str:
    return thing.created_at.strftime("%Y-%m-%d")
