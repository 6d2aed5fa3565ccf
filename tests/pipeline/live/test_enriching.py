"""Records come back with the detector's view, and Suricata's alerts find their flow."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from enricher.pipeline.live import joining
from enricher.pipeline.live.joining import AlertJoiner, FlowView, event_of, joined, keys_of

VIEW = FlowView("dns-tunnel", "dns-tunnel", 0.9, 0.001)
MILD = FlowView("benign", "dns-tunnel", 0.1, 0.5)


def alert(flow: int, **more: object) -> tuple[bytes, dict[str, object]]:
    event = {"event_type": "alert", "flow_id": flow, "alert": {"signature": "x"}, **more}
    return orjson.dumps(event), event


def verdict(line: bytes) -> str:
    return str(orjson.loads(line)["alert"]["metadata"]["enricher_verdict"][0])


def test_an_alert_waits_for_the_record_of_its_flow() -> None:
    joiner = AlertJoiner(60.0)
    line, event = alert(7)
    assert joiner.alert(line, event, 100.0) == []
    assert joiner.due(150.0) == []
    assert joiner.see(keys_of({"flow_id": 8}), MILD) == []
    (found,) = joiner.see(keys_of({"flow_id": 7}), VIEW)
    assert verdict(found) == "dns-tunnel"
    assert joiner.due(1e9) == []


def test_an_alert_after_the_record_of_its_flow_comes_at_once_with_the_worst_view() -> None:
    joiner = AlertJoiner(60.0)
    keys = keys_of({"community_id": "1:abc", "flow_id": 7})
    joiner.see(keys, VIEW)
    joiner.see(keys, MILD)
    line, event = alert(9, community_id="1:abc")
    (found,) = joiner.alert(line, event, 100.0)
    assert verdict(found) == "dns-tunnel"


def test_an_alert_whose_flow_never_comes_is_given_out_all_the_same() -> None:
    joiner = AlertJoiner(60.0)
    for number in range(3):
        joiner.alert(*alert(number), 100.0 + number)
    late = joiner.due(161.5)
    assert [verdict(line) for line in late] == ["not seen", "not seen"]
    assert len(joiner.due(1e9)) == 1


def test_what_waits_is_bounded_and_nothing_is_lost() -> None:
    joiner = AlertJoiner(60.0)
    given_out = 0
    for number in range(joining.MOST_WAITING + 500):
        given_out += len(joiner.alert(*alert(number), 1.0)) + len(joiner.due(1.0))
    assert given_out == 500
    for number in range(joining.MOST_FLOWS + 500):
        given_out += len(joiner.see((f"x{number}",), MILD))
    assert len(joiner.export()["views"]) == joining.MOST_FLOWS
    assert given_out + len(joiner.due(1e9)) == joining.MOST_WAITING + 500


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40), st.integers(0, 40))
def test_it_goes_on_as_if_it_had_not_been_written_down(
    steps: list[tuple[bool, int]], stop: int
) -> None:
    def run(joiner: AlertJoiner, some: list[tuple[bool, int]], at: int) -> list[bytes]:
        found = []
        for place, (is_alert, flow) in enumerate(some, at):
            now = 20.0 * place
            found += (
                joiner.alert(*alert(flow), now) if is_alert else joiner.see((f"f{flow}",), VIEW)
            )
            found += joiner.due(now)
        return found

    whole, parted, other = AlertJoiner(60.0), AlertJoiner(60.0), AlertJoiner(60.0)
    first = run(parted, steps[:stop], 0)
    other.restore(orjson.loads(orjson.dumps(parted.export())))
    assert first + run(other, steps[stop:], stop) == run(whole, steps, 0)


def test_a_line_that_only_looks_like_an_alert_stays_as_it_is() -> None:
    for line in (b"no json", b"[]", b'{"event_type":"alert"}', b'{"alert": 5}'):
        assert joined(line, VIEW.metadata()) == line
    own = b'{"event_type":"alert","alert":{"metadata":{"mine":["kept"]}}}'
    assert event_of(joined(own, VIEW.metadata()))["alert"]["metadata"]["mine"] == ["kept"]
