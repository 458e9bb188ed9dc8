"""What people read of topics, polls, minutes and the monthly meeting."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.texts import share

# --- topics ---
TOPIC_TOO_LONG = "议题请写在100字以内，细节到会上说。"
TOPIC_DISCREET = "这件涉及个人，不放进公开议题，请私聊我发“上报 内容”。"
TOPIC_NOWHERE = "还不知道您是哪个小区，请在小区群里发“议题 内容”。"
NO_TOPICS = "还没有议题，想在会上说的请发“议题 内容”。"
TOPICS_HEAD = "坝坝会议题（支持请发“支持 编号”）："
LONGEST_TOPIC = 100


def topic_filed(topic_id: str) -> str:
    return f"{topic_id} 已列入坝坝会议题，支持请发“支持 {topic_id}”。"


def topic_near(topic_id: str, other_id: str, other: str) -> str:
    """Filed, and much like another one, which only a person can say for certain."""
    return f"{topic_id} 已列入议题。与 {other_id}“{other}”相近，是同一件请发“支持 {other_id}”。"


def topic_joined(topic_id: str, text: str, supporters: int) -> str:
    return f"与 {topic_id}“{text}”是同一件，已记您支持，共{supporters}人。不是就发 撤回 {topic_id}，再写细些。"


def topic_twice(topic_id: str, supporters: int) -> str:
    return f"{topic_id} 您已经支持过，共{supporters}人支持。"


def topic_supported(topic_id: str, supporters: int) -> str:
    return f"{topic_id} 已有{supporters}人支持。"


def topic_over(topic_id: str, *, discussed: bool) -> str:
    return f"{topic_id} {'已经议过' if discussed else '已撤下'}，不再收集支持。"


def topic_not_yours(topic_id: str) -> str:
    return f"{topic_id} 不是您提的，您也没有支持过。"


def topic_left(topic_id: str, *, dropped: bool) -> str:
    return f"{topic_id} 已撤下。" if dropped else f"{topic_id} 已撤回您的支持。"


def topic_dropped(topic_id: str) -> str:
    return f"{topic_id} 已撤下议题。"


def topic_line(topic_id: str, text: str, supporters: int) -> str:
    return f"{topic_id} {text}（{supporters}人）"


def topic_state(topic_id: str, text: str, supporters: int) -> str:
    return f"{topic_id} 议题“{text}”：{supporters}人支持。"


def topics_more(count: int) -> str:
    return f"另有{count}个"


def told_topic(topic_id: str, nick: str, text: str) -> str:
    who = f"（{nick}）" if nick else ""
    return f"【议题】{topic_id} {text}{who}。不合适回复 结束 {topic_id}，议过后回复 纪要 {topic_id} 内容"


# --- the monthly meeting ---
def meeting_told(when: str, lines: Sequence[str]) -> str:
    """To the leaders, days before."""
    head = f"【恳谈会】{when}，议题{len(lines)}个："
    return "\n".join([head, *lines, "会后回复 纪要 编号 内容，写到的问题会立单"])


def meeting_in_room(when: str, topics: int, first: str) -> str:
    """The one line in the group."""
    return f"民情恳谈会{when}，议题{topics}个，呼声最高：{first}。发“议题”看全部。"


# --- polls ---
POLL_HOW = "请写题目和选项，如：议事 大门装不装道闸 装/不装"
POLL_OPTIONS = "选项要2到9个，每个不超过20字，互不相同。"
POLL_MOST, POLL_LONGEST, POLL_TITLE = 9, 20, 60
POLL_TITLE_TOO_LONG = "题目请写在60字以内。"
VOTE_IN_ROOM = "请在征集意见的群里投票。"
NO_POLL = "本群现在没有意见征集。"
OPINION = "仅为意见征集，不是表决。"


def poll_opened(poll_id: str, title: str, options: Sequence[str], until: str) -> str:
    lines = [f"{number} {option}" for number, option in enumerate(options, 1)]
    head, foot = f"{poll_id} 意见征集：{title}", f"一人一票，请发“投票 {poll_id} 1”，{until}前可改。"
    return "\n".join([head, *lines, foot])


def which_poll(ids: Sequence[str], example: str) -> str:
    return f"有几个在征集：{'、'.join(ids)}。请写上编号，如：{example}"


def which_to_end(ids: Sequence[str]) -> str:
    return f"有几个可以结束：{'、'.join(ids)}。请写上编号，如：结束 {ids[0]}"


def no_such_option(poll_id: str, options: Sequence[str]) -> str:
    shown = " ".join(f"{number}{option}" for number, option in enumerate(options, 1))
    return f"{poll_id} 没有这个选项，请从这些里选：{shown}"


def vote_which(poll_id: str, options: Sequence[str]) -> str:
    shown = " ".join(f"{number}{option}" for number, option in enumerate(options, 1))
    return f"{poll_id} 请选一个：{shown}，如：投票 {poll_id} 1"


def voted(poll_id: str, voters: int) -> str:
    """In the group: how many, never what anybody chose."""
    return f"{poll_id} 已有{voters}人投票，截止前可改。"


def voted_in_private(poll_id: str, option: str) -> str:
    return f"{poll_id} 已记您投“{option}”，截止前可改。"


def vote_taken_back(poll_id: str) -> str:
    return f"{poll_id} 已撤回您的票。"


def not_voted(poll_id: str) -> str:
    return f"{poll_id} 您还没有投票。"


def poll_over(poll_id: str) -> str:
    return f"{poll_id} 已结束，结果请发“查询 {poll_id}”。"


def not_a_poll(item_id: str) -> str:
    return f"{item_id} 是议题，不投票，支持请发“支持 {item_id}”。"


def not_a_topic(item_id: str) -> str:
    return f"{item_id} 是意见征集，请发“投票 {item_id} 1”。"


def poll_elsewhere(poll_id: str) -> str:
    return f"{poll_id} 不在本群征集意见。"


def poll_running(poll_id: str, title: str, voters: int, until: str) -> str:
    """No interim result: it would lead those who have not voted."""
    return f"{poll_id} 意见征集“{title}”：{voters}人已投，{until}截止。"


UNDISCLOSED = "不公开"


def poll_result(
    poll_id: str,
    title: str,
    counts: Sequence[tuple[str, str]],
    voters: int | None,
    entitled: int | None,
    households: bool,
) -> str:
    """`counts`: option and votes as they may be shown; `voters` is None where they are fewer than three and hidden.
    No rate of people to households: several of one may have voted."""
    lines = [f"{number} {option}：{votes}" for number, (option, votes) in enumerate(counts, 1)]
    turnout = "不足3人投票" if voters is None else f"{voters}人投票"
    if entitled is not None and households:
        turnout += f"（共{entitled}户，按人计票）"
    elif entitled is not None and voters is not None:
        turnout += f"，参与率{share(voters, entitled)}"
    return "\n".join([f"{poll_id} 意见征集结果：{title}", *lines, f"{turnout}。{OPINION}"])


def votes(count: int) -> str:
    return f"{count}票"


def told_result(text: str) -> str:
    return f"【意见征集】{text}"


# --- minutes ---
MINUTES_HOW = "请写上会上说定的事，一行一件，如：纪要 V2 3栋路灯修好"


def minutes_filed(filed: Sequence[str], known: Sequence[str], left: int, discreet: int) -> str:
    """What became of each line."""
    parts = [f"纪要立单{len(filed)}件：{'、'.join(filed)}" if filed else "纪要里没有要立单的事"]
    if known:
        parts.append(f"已在办：{'、'.join(known)}")
    if left:
        parts.append(f"{left}行未立单，要立请逐条 上报")
    if discreet:
        parts.append(f"{discreet}行涉及个人，请私聊 上报")
    return "；".join(parts) + "。"
