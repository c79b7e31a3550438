"""Who sent what to whom, and who brought whom to life: read from real histories, and drawn."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from temporalio.testing import WorkflowEnvironment

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from loyalty.household.messages import WORKFLOW_TYPE, household_workflow_id
from loyalty.lab import conversation, exchange, family, history, settled
from loyalty.lab.drawing import spread
from tests.helpers import Shop, comes_to, ends, eventually, fresh_namespace, refusal
from tests.test_plots import drawn

ADA, GRACE, MARY, JOAN = (f"customer-{name}" for name in ("ada", "grace", "mary", "joan"))
HOUSEHOLD = household_workflow_id("lovelace")
CLIENTS = exchange.CLIENTS


async def guests(shop: Shop, *expected: str) -> None:
    await eventually(
        lambda: shop.customer("ada").query("getGuests"),
        lambda seen: seen == list(expected),
        waiting_for=f"Ada to have the guests {list(expected)}",
    )


@pytest.fixture(scope="module")
async def story(server: WorkflowEnvironment) -> pd.DataFrame:
    """Ada and her friends; one of everything that can be sent."""
    shop = Shop(await fresh_namespace(server.client))
    async with shop.serving():
        ada = await shop.opens("ada", email="ada@example.org", points=5_000)
        grace = await shop.opens("grace")
        await grace.signal("addPoints", args=[600, "ada"])
        await comes_to(grace, 600)
        await settled(grace)
        await ada.signal("inviteGuest", {"customer_id": "mary", "name": "Mary"})
        await guests(shop, "mary")
        mary = shop.customer("mary")
        for _ in range(2):
            await ada.execute_update("giftPoints", {"guest_id": "mary", "points": 10})
        await comes_to(mary, 1_020)
        await mary.signal("cancelAccount")
        await ends(mary)
        await refusal(ada.execute_update("giftPoints", {"guest_id": "mary", "points": 40}))
        await ada.signal("addPoints", 40)
        await ada.signal("inviteGuest", {"customer_id": "mary", "name": "Mary"})
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await guests(shop, "grace")
        household = await shop.client.start_workflow(
            WORKFLOW_TYPE, {"household": {"household_id": "lovelace"}}, id=HOUSEHOLD, task_queue=shop.task_queue
        )
        first_run = (await household.describe()).run_id
        await household.signal("addMember", {"customer_id": "joan"})
        await household.signal("giveToAll", 100)
        await household.signal("continueAsNew")
        await eventually(
            household.describe, lambda seen: seen.run_id != first_run, waiting_for="the next run of the household"
        )
        household = shop.client.get_workflow_handle(HOUSEHOLD)
        await household.signal("addMember", {"customer_id": "ada"})
        joan = shop.customer("joan")
        await comes_to(joan, 100)
        living = [ada, grace, household, joan]
        await asyncio.gather(*map(settled, living))
        return await history.frame([ada, grace, mary, household, joan])


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


def sent(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """What was sent, without the times."""
    return list(exchange.exchanged(frame).drop(columns=["sent", "received"]).itertuples(index=False, name=None))


def of(frame: pd.DataFrame, *who: str) -> pd.DataFrame:
    return frame[frame.workflow_id.isin(who)]


def arrows(ax: Axes, kind: str) -> int:
    return sum(line.get_gid() == kind for line in ax.lines)


def written(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def named(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


# ---- who sent what to whom ------------------------------------------------------------------------------------


def test_every_event_that_receives_something_is_one_message(story: pd.DataFrame) -> None:
    counted = story.type.value_counts()
    kinds = exchange.exchanged(story).kind.value_counts().to_dict()
    assert kinds == {
        "start": story.workflow_id.nunique(),
        "tell": counted["WorkflowExecutionSignaled"],
        "ask": counted["WorkflowExecutionUpdateAccepted"],
        "answer": counted["WorkflowExecutionUpdateCompleted"],
        "lost": 3,
    }, "and a run that continues another one was not started by anybody"


def test_messages_between_actors_name_both(story: pd.DataFrame) -> None:
    assert [message for message in sent(story) if CLIENTS not in message] == [
        ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver"),
        ("start", ADA, MARY, "startGuest", ""),
        ("tell", ADA, MARY, "ensureMinimumStatus", "2"),
        ("tell", ADA, MARY, "addPoints", "10, ada"),
        ("tell", ADA, MARY, "addPoints", "10, ada"),
        ("lost", ADA, MARY, "addPoints", "40, ada"),
        ("lost", ADA, MARY, "startGuest", ""),
        ("tell", ADA, GRACE, "ensureMinimumStatus", "2"),
        ("start", HOUSEHOLD, JOAN, "startChild", ""),
        ("tell", HOUSEHOLD, JOAN, "addPoints", "100"),
        ("lost", HOUSEHOLD, ADA, "startChild", ""),
    ]


def test_asks_and_answers_are_between_a_client_and_a_customer(story: pd.DataFrame) -> None:
    gifts = [message for message in sent(story) if message[0] in ("ask", "answer")]
    assert gifts[:2] == [
        ("ask", CLIENTS, ADA, "giftPoints", "mary, 10"),
        ("answer", ADA, CLIENTS, "giftPoints", "mary receives 10 points"),
    ]
    assert gifts[-1][4].startswith("Cannot gift 40 points")


def test_times_are_those_of_both_sides(story: pd.DataFrame) -> None:
    table = exchange.exchanged(story)
    assert (table.received >= table.sent).all()
    assert table.sent.is_monotonic_increasing
    gift = table[(table.name == "addPoints") & (table.sender == ADA)].iloc[0]
    decided = story[(story.workflow_id == ADA) & (story.type == "SignalExternalWorkflowExecutionInitiated")]
    arrived = of(story, MARY).query("name == 'addPoints'")
    assert (gift.sent, gift.received) == (decided.time.iloc[0], arrived.time.iloc[0])


def test_one_side_alone_knows_the_other(story: pd.DataFrame) -> None:
    assert ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver") in sent(of(story, ADA))
    assert ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver") in sent(of(story, GRACE))
    assert ("start", ADA, MARY, "startGuest", "") in sent(of(story, ADA))
    assert ("start", HOUSEHOLD, JOAN, "startChild", "") in sent(of(story, JOAN))
    assert ("start", HOUSEHOLD, JOAN, "startChild", "") in sent(of(story, HOUSEHOLD))


def test_the_order_of_the_frame_does_not_matter(story: pd.DataFrame) -> None:
    parts = [part.reset_index(drop=True) for _, part in story.groupby(["workflow_id", "run"])]
    assert_frame_equal(exchange.exchanged(pd.concat(reversed(parts))), exchange.exchanged(story))


def test_no_events_are_no_messages(story: pd.DataFrame) -> None:
    nothing = exchange.exchanged(story.head(0))
    assert nothing.empty
    assert list(nothing.dtypes) == list(exchange.exchanged(story).dtypes)


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("600", "600"),
        ('600, "ada"', "600, ada"),
        ('{"customer_id":"mary","email":"mary@example.org","name":"Mary"}', "mary"),
        ('{"customer_id":"grace","status":{"name":"Silver","level":1}}', "grace, Silver, 1"),
        ("Cannot gift 40 points; mary cannot receive them", "Cannot gift 40 points; mary can…"),
        ('{"guest_id":"mary","poi', "mary, poi"),
        (float("nan"), ""),
        ("null", ""),
        ("false", "False"),
    ],
)
def test_a_detail_in_short(detail: object, text: str) -> None:
    assert exchange.short(detail) == text


# ---- the picture of a conversation ----------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["order", "time"])
def test_every_message_is_one_arrow_with_its_label(story: pd.DataFrame, by: Any) -> None:
    ax = conversation.messages(story, by=by)
    table = exchange.exchanged(story)
    for kind in conversation.LOOKS:
        assert arrows(ax, kind) == (table.kind == kind).sum()
    texts = written(ax)
    assert texts.count("addPoints(10, ada)") == 2
    assert {"start", "startGuest", "startChild", "inviteGuest(mary)", "“mary receives 10 points”"} <= set(texts)
    assert len([text for text in texts if text != "completed"]) == len(table)


def test_arrows_lead_from_lane_to_lane(story: pd.DataFrame) -> None:
    ax = conversation.messages(story)
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    assert lanes == [CLIENTS, ADA, GRACE, MARY, HOUSEHOLD, JOAN], "clients on top, then in the order of the frame"
    assert ax.yaxis_inverted()
    starts = [[lanes[int(y)] for y in drawn(line)[1]] for line in ax.lines if line.get_gid() == "start"]
    table = exchange.exchanged(story).query("kind == 'start'")
    assert starts == table[["sender", "receiver"]].to_numpy().tolist()


@pytest.mark.parametrize(("by", "to_scale"), [("order", False), ("time", True)])
def test_time_or_order_lies_along_x(story: pd.DataFrame, by: Any, to_scale: bool) -> None:
    ax = conversation.messages(story, by=by)
    assert ax.get_xlabel().startswith("milliseconds since the first event shown")
    assert ("not to scale" in ax.get_xlabel()) is not to_scale
    assert ax.get_ylabel() == "workflow id"
    assert "messages between clients and 5 workflows" in ax.get_title(loc="left")
    ask = next(line for line in ax.lines if line.get_gid() == "ask")
    asked = exchange.exchanged(story).query("kind == 'ask'").sent.iloc[0]
    milliseconds = (asked - story.time.min()).total_seconds() * 1000
    if to_scale:
        assert drawn(ask)[0][0] == pytest.approx(milliseconds)
    else:
        ticks = dict(zip(ax.get_xticks(), [label.get_text() for label in ax.get_xticklabels()], strict=True))
        assert ticks[0] == "0"
        assert all(float(tick).is_integer() for tick in ticks)


def test_long_waits_are_counted_in_seconds(story: pd.DataFrame) -> None:
    slow = of(story, GRACE).copy()
    slow.loc[slow.index[-1], "time"] += pd.Timedelta(1, "min")
    for by in ("order", "time"):
        assert conversation.messages(slow, by=by).get_xlabel().startswith("seconds since")


def test_labels_keep_their_distance(story: pd.DataFrame) -> None:
    for by in ("order", "time"):
        ax = conversation.messages(story, by=by)
        labels = sorted(text.xy[0] for text in ax.texts if text.get_rotation())  # type: ignore[attr-defined]
        width = ax.get_xlim()[1] - ax.get_xlim()[0]
        room = 0.9 * conversation.BETWEEN_LABELS / ax.get_figure().get_size_inches()[0] * width  # type: ignore[union-attr]
        assert min(after - before for before, after in pairwise(labels)) >= room


def test_lanes_show_mails_new_runs_and_the_end(story: pd.DataFrame) -> None:
    ax = conversation.messages(story)
    assert {"e-mail sent", "continue as new", "end"} <= set(named(ax))
    assert "completed" in written(ax)
    mails = ((story.name == "sendEmail") & (story.type == "ActivityTaskCompleted")).sum()
    assert sum(line.get_marker() == "D" and drawn(line)[0] != [] for line in ax.lines) == mails


def test_the_legend_names_what_is_there_and_nothing_else(story: pd.DataFrame) -> None:
    everything = {look.words for look in conversation.LOOKS.values()}
    assert everything <= set(named(conversation.messages(story)))
    assert everything.isdisjoint(
        set(named(conversation.messages(of(story, JOAN)))) - {"tell (signal)", "start of an actor"}
    )


def test_no_meaning_is_by_colour_alone() -> None:
    looks = [(str(look.style), look.width) for look in conversation.LOOKS.values()]
    assert len(set(looks)) == len(looks), "each kind of message has a line of its own, also in black and white"
    lines = [str(style) for _, style in family.LINES.values()]
    assert len(set(lines)) == len(lines)
    assert len({look["linestyle"] for look in family.BOXES.values()}) == len(family.BOXES)


def test_one_customer_alone_is_drawn_with_those_it_speaks_to(story: pd.DataFrame) -> None:
    ax = conversation.messages(of(story, ADA))
    assert [label.get_text() for label in ax.get_yticklabels()] == [CLIENTS, ADA, GRACE, MARY, HOUSEHOLD][:4]
    assert "history not shown" in named(ax)


def test_part_of_a_history_without_messages_is_drawn(story: pd.DataFrame) -> None:
    ax = conversation.messages(of(story, GRACE).tail(1))
    assert ax.get_title(loc="left") == "0 messages between clients and 1 workflow"


def test_what_would_not_be_legible_is_refused(story: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot draw 0 messages among 0 workflows \(0 events\).*possible are"):
        conversation.messages(story.head(0))
    many = pd.concat([of(story, JOAN).assign(workflow_id=f"customer-{number}") for number in range(13)])
    with pytest.raises(ValueError, match=r"among 14 workflows .*up to 40 messages among up to 12 workflows"):
        conversation.messages(many)


# ---- the family -----------------------------------------------------------------------------------------------


def test_births_say_who_brought_whom_to_life(story: pd.DataFrame) -> None:
    table = family.births(story)
    assert table.drop(columns="born").to_numpy().tolist() == [
        [ADA, CLIENTS, "started", "Running"],
        [GRACE, CLIENTS, "started", "Running"],
        [MARY, ADA, "invited", "Completed"],
        [HOUSEHOLD, CLIENTS, "started", "Running"],
        [JOAN, HOUSEHOLD, "child", "Running"],
    ], "Grace was a customer when Ada invited her"
    assert table.born.is_monotonic_increasing


def test_a_guest_whose_history_is_not_shown_is_in_the_family(story: pd.DataFrame) -> None:
    table = family.births(of(story, ADA))
    assert table.workflow_id.to_list() == [ADA, MARY, GRACE]
    assert table.status.to_list() == ["Running", "", ""]
    assert {"alive", "history not shown"} <= set(named(family.family_tree(of(story, ADA))))


def test_a_family_tree_has_one_line_per_birth(story: pd.DataFrame) -> None:
    ax = family.family_tree(story)
    for how, times in family.births(story).how.value_counts().items():
        assert sum(line.get_gid() == how for line in ax.lines) == times
        assert written(ax).count(str(how)) == times
    assert {"clients", "ada", "grace", "mary (completed)", HOUSEHOLD, "joan"} <= set(written(ax))
    assert named(ax) == ["started by a client", "invited", "child", "alive", "closed"]
    assert ax.get_title(loc="left") == "Who brought whom to life: 5 workflows"
    assert ax.get_xlabel() == "generation"
    assert ax.get_ylabel()


def test_children_stand_to_the_right_of_their_parents_and_nobody_on_another(story: pd.DataFrame) -> None:
    ax = family.family_tree(story)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places["clients"][0] < places["ada"][0] == places[HOUSEHOLD][0] < places["joan"][0]
    names = [places[text.get_text()] for text in ax.texts if text.get_gid()]
    assert len(set(names)) == len(names)


def test_a_family_of_one_and_one_without_a_beginning(story: pd.DataFrame) -> None:
    assert "joan" in written(family.family_tree(of(story, JOAN)))
    without = family.family_tree(of(story, GRACE).tail(2))
    assert written(without) == ["grace"]


def test_nobody_is_no_family(story: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot draw a family of 0 workflows \(0 events\); possible are 1 to 60"):
        family.family_tree(story.head(0))


# ---- what both need -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [conversation.messages, family.family_tree])
def test_both_can_be_drawn_beside_others(story: pd.DataFrame, draw: Any) -> None:
    beside = plt.subplots(1, 2)[1][1]
    assert draw(story, beside) is beside


@given(st.lists(st.floats(0, 100), max_size=30).map(sorted), st.floats(0.1, 5))
def test_labels_are_spread_in_their_order(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert len(moved) == len(places)
    assert all(after - before >= gap * 0.999 - 1e-9 for before, after in pairwise(moved))
    if all(after - before >= gap for before, after in pairwise(places)):
        assert moved == pytest.approx(places), "what has room stays"


def test_importing_loads_neither_temporal_nor_matplotlib() -> None:
    code = (
        "import sys, loyalty.lab.conversation, loyalty.lab.family; "
        "print([x for x in ('temporalio', 'matplotlib', 'pandas') if x in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
