"""What a decision tells of time and numbers: since when, how many households."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nlp.decision import Label

AT = datetime(2025, 6, 12, 15, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_an_appeal_tells_since_when_and_how_many(classifier) -> None:
    decision = classifier.analyse("3栋停水三天了，十几户都没水", at=AT).best
    assert (decision.label, decision.since, decision.households) == (Label.TICKET, AT - timedelta(days=3), 11)


def test_without_the_time_of_the_message_nothing_is_dated(classifier) -> None:
    assert classifier.analyse("3栋停水三天了").best.since is None


def test_each_matter_has_its_own(classifier) -> None:
    decisions = classifier.analyse("3栋停水三天了，另外南门路灯昨晚开始不亮", at=AT).decisions
    assert {decision.since for decision in decisions} == {
        AT - timedelta(days=3),
        AT.replace(day=11, hour=18, minute=0),
    }


def test_chat_is_not_dated(classifier) -> None:
    decision = classifier.analyse("三天没见了，今晚8点一起吃饭", at=AT).best
    assert (decision.label, decision.since, decision.households) == (Label.DROP, None, None)
