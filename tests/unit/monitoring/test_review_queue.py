from __future__ import annotations

import stat

import numpy as np
import pytest

from ood_face.errors import InputError, ReviewNotFoundError
from ood_face.monitoring import SqliteReviewQueue
from ood_face.types import ReviewKind, ReviewLabel, ReviewOrder, ReviewQuery, ReviewState
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from tests.fakes.templates import crop

UNCERTAIN = ReviewOrder.UNCERTAIN


@pytest.fixture(params=["fake", "sqlite"])
def any_queue(request, open_queue) -> FakeReviewQueue | SqliteReviewQueue:
    return FakeReviewQueue() if request.param == "fake" else open_queue()


def filled(queue, *cases):
    for one in cases:
        queue.offer(one, yes)
    queue.flush()
    return queue


def similarities(items):
    return [item.case.similarity for item in items]


def pages(queue, query):
    while True:
        page = queue.page(query)
        yield page.items
        if page.following is None:
            return
        query = ReviewQuery(query.state, query.order, page.following, query.limit)


def test_a_case_is_found_as_it_was_offered(open_queue, clock):
    whole = case(7, similarity=0.4125, probability=0.625, score_b=None)
    (found,) = everything(filled(open_queue(), whole))
    for name in whole.__dataclass_fields__:
        assert getattr(found.case, name) == getattr(whole, name), name
    assert (found.at, found.crop_count, found.mark) == (clock.now, 0, None)


def test_a_comparison_is_about_nobody(any_queue):
    nobody = {"gallery": None, "subject_id": None, "template_id": None}
    filled(any_queue, case(kind=ReviewKind.COMPARE, **nobody))
    (found,) = everything(any_queue)
    assert (found.case.kind, found.case.gallery, found.case.subject_id) == ("compare", None, None)


def test_the_newest_come_first_page_by_page(any_queue):
    filled(any_queue, *(case(similarity=i / 10) for i in range(7)))
    found = list(pages(any_queue, ReviewQuery(limit=3)))
    assert [similarities(items) for items in found] == [[0.6, 0.5, 0.4], [0.3, 0.2, 0.1], [0.0]]


def test_the_most_uncertain_come_first_page_by_page_also_where_they_are_equal(any_queue):
    doubts = [0.5, 0.9, 0.5, 0.1, 0.5]
    filled(any_queue, *(case(similarity=i / 10, ambiguity=d) for i, d in enumerate(doubts)))
    found = list(pages(any_queue, ReviewQuery(order=UNCERTAIN, limit=2)))
    assert [similarities(items) for items in found] == [[0.1, 0.4], [0.2, 0.0], [0.3]]


def test_a_full_page_that_is_the_last_leads_nowhere(any_queue):
    filled(any_queue, case(1), case(2))
    assert any_queue.page(ReviewQuery(limit=2)).following is None


@pytest.mark.parametrize("after", ["", "x", "1-2", "-1", "1" * 19, "٣"])
def test_a_place_of_another_order_is_refused(any_queue, after):
    with pytest.raises(InputError) as caught:
        any_queue.page(ReviewQuery(after=after))
    assert caught.value.key == "review.after"


@pytest.mark.parametrize("limit", [0, 1001])
def test_the_limit_of_a_page_is_told(limit):
    with pytest.raises(InputError, match="1 to 1000"):
        ReviewQuery(limit=limit)


def test_a_label_takes_an_item_out_of_the_open_ones_and_can_be_changed(any_queue):
    filled(any_queue, case(1), case(2))
    item_id = everything(any_queue)[0].item_id

    any_queue.label(item_id, ReviewLabel.SAME, "ann")
    changed = any_queue.label(item_id, ReviewLabel.UNUSABLE, "ben")

    assert (changed.mark.label, changed.mark.by) == (ReviewLabel.UNUSABLE, "ben")
    assert [item.item_id for item in any_queue.labelled()] == [item_id]
    assert any_queue.item(item_id).mark == changed.mark
    assert item_id not in [item.item_id for item in any_queue.page(ReviewQuery()).items]
    (labelled,) = any_queue.page(ReviewQuery(ReviewState.LABELLED)).items
    assert labelled.item_id == item_id


def test_a_label_can_be_taken_back(any_queue):
    filled(any_queue, case(1))
    (item,) = everything(any_queue)
    any_queue.label(item.item_id, ReviewLabel.SAME, "ann")

    assert any_queue.label(item.item_id, None, "ann").mark is None
    assert any_queue.labelled() == []
    assert [found.item_id for found in any_queue.page(ReviewQuery()).items] == [item.item_id]


def test_what_is_not_there_is_told(any_queue):
    filled(any_queue, case())
    item_id = everything(any_queue)[0].item_id
    any_queue.delete(item_id)
    for call in (
        any_queue.item,
        any_queue.crops,
        any_queue.delete,
        lambda gone: any_queue.label(gone, ReviewLabel.SAME, "ann"),
    ):
        with pytest.raises(ReviewNotFoundError):
            call(item_id)


def test_aligned_faces_are_kept_with_their_item(any_queue):
    filled(any_queue, case(1, crops=(crop(1), crop(2))), case(2))
    without, with_faces = everything(any_queue)
    assert (without.crop_count, with_faces.crop_count) == (0, 2)
    found = any_queue.crops(with_faces.item_id)
    assert [np.array_equal(one, crop(i + 1)) for i, one in enumerate(found)] == [True, True]


def test_the_oldest_without_a_label_go_first_then_the_oldest(open_queue):
    queue = filled(open_queue(most_items=3), *(case(similarity=i / 10) for i in range(3)))
    queue.label(everything(queue)[-1].item_id, ReviewLabel.SAME, "ann")  # the oldest

    filled(queue, case(similarity=0.9))
    assert similarities(everything(queue)) == [0.9, 0.2, 0.0]

    for item in everything(queue):
        queue.label(item.item_id, ReviewLabel.SAME, "ann")
    filled(queue, case(similarity=0.8))
    # a new one without a label goes before those that somebody looked at
    assert similarities(everything(queue)) == [0.9, 0.2, 0.0]


def test_a_smaller_queue_loses_what_is_too_many(open_queue):
    filled(open_queue(), *(case(similarity=i / 10) for i in range(5))).close()
    queue = open_queue(most_items=2)
    queue.prune()
    assert similarities(everything(queue)) == [0.4, 0.3]


def test_a_queue_of_no_items_takes_none_in(open_queue):
    assert everything(filled(open_queue(most_items=0), case())) == []


def test_what_is_too_old_is_erased_also_with_a_label(open_queue, clock):
    queue = filled(open_queue(keep_days=30), case(similarity=0.1), case(similarity=0.2))
    queue.label(everything(queue)[0].item_id, ReviewLabel.SAME, "ann")
    clock.advance(days=29)
    filled(queue, case(similarity=0.3))
    assert queue.prune() == 0
    clock.advance(days=2)
    assert queue.prune() == 2
    assert similarities(everything(queue)) == [0.3]


def test_a_queue_opened_again_prunes_and_has_the_rest(open_queue, clock):
    queue = filled(open_queue(), case(similarity=0.1, crops=(crop(1),)))
    clock.advance(days=20)
    filled(queue, case(similarity=0.2, crops=(crop(2),))).close()
    clock.advance(days=20)

    again = filled(open_queue(), case(similarity=0.3))

    assert similarities(everything(again)) == [0.3, 0.2]
    assert np.array_equal(again.crops(everything(again)[1].item_id)[0], crop(2))


def test_ids_rise_where_the_clock_stands_still_or_goes_back(open_queue, clock):
    queue = filled(open_queue(), case(similarity=0.1), case(similarity=0.2))
    clock.advance(seconds=-3600)
    filled(queue, case(similarity=0.3))
    assert similarities(everything(queue)) == [0.3, 0.2, 0.1]


def test_the_file_is_for_its_owner_alone(queue, tmp_path):
    filled(queue, case())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_two_processes_may_use_one_file(open_queue):
    server, command = open_queue(), open_queue()
    filled(server, case())
    command.label(everything(command)[0].item_id, ReviewLabel.SAME, "ann")
    assert everything(server)[0].mark.by == "ann"


def test_the_size_is_that_of_all_items_and_of_those_with_a_label(any_queue):
    assert any_queue.size() == (0, 0)
    filled(any_queue, case(1), case(2), case(3))
    first = everything(any_queue)[0].item_id
    any_queue.label(first, ReviewLabel.SAME, "ann")
    assert any_queue.size() == (3, 1)
    any_queue.label(first, None, "ann")
    any_queue.delete(first)
    assert any_queue.size() == (2, 0)


def test_a_clock_that_jumps_a_year_ahead_erases_nothing_unasked(open_queue, clock):
    filled(open_queue(), case(similarity=0.1)).close()
    clock.advance(days=365)
    queue = filled(open_queue(), case(similarity=0.2))
    assert similarities(everything(queue)) == [0.2, 0.1]
    # whoever asks for it means the clock as it is
    assert queue.prune() == 1
