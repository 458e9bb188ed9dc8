"""Typing a line."""

from bot.demo.keys import LineEditor


def test_a_line_comes_with_enter():
    editor = LineEditor()
    assert editor.feed("3 电梯") == []
    assert editor.text == "3 电梯"
    assert editor.feed("坏了\r") == ["3 电梯坏了"]
    assert editor.text == ""


def test_erase_clear_and_arrows():
    editor = LineEditor()
    editor.feed("3 电梯啊\x7f\x1b[A\x1b[1;5C\x1bOP")
    assert editor.text == "3 电梯"
    editor.feed("\x15")
    assert editor.text == ""
    assert editor.feed("\n\n") == []


def test_q_quits_only_at_the_start_of_a_line():
    editor = LineEditor()
    editor.feed("3 q")
    assert not editor.done
    editor.feed("\x15q")
    assert editor.done


def test_control_d_quits():
    editor = LineEditor()
    editor.feed("3 电梯\x04")
    assert editor.done
