"""Robots of chat rooms: WeCom, DingTalk, Feishu and Slack, each in its own words.

The address of a robot is its key, so it comes from the environment and stands in no log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import orjson

from app.notifications.addresses import read_url
from app.notifications.failing import SendFailed
from app.notifications.web import Answer, check_status, request
from app.settings import Settings
from app.texts import say

#: Answers of a robot that is asked too often: WeCom, DingTalk, Feishu.
_TOO_OFTEN = frozenset({45009, 45033, 130101, 410100, 11232, 9499})
#: Answers that another attempt would get again: the key, the signature, the form.
_FINAL = frozenset({93000, 310000, 300001, 40035, 19001, 19021, 19022, 19024, 9498})
#: WeCom takes 2,048 bytes of text.
_MOST_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot as it is set up."""

    channel: str
    url: str
    secret: str | None = None


def robot_of(settings: Settings, channel: str) -> Robot:
    """Return the robot of a channel.

    Raises:
        SendFailed: it is not set up yet.
    """
    robots = {
        "wecom": (settings.wecom_robot, None),
        "dingtalk": (settings.dingtalk_robot, settings.dingtalk_secret),
        "feishu": (settings.feishu_robot, settings.feishu_secret),
        "slack": (settings.slack_robot, None),
    }
    url, secret = robots[channel]
    if url is None:
        raise SendFailed(
            say(
                "Messages to {channel} wait: no robot is set. Set TRELLIS_{name}_ROBOT.",
                "{channel} 消息正在等待：尚未设置机器人，请设置 TRELLIS_{name}_ROBOT。",
                channel=channel,
                name=channel.upper(),
            ),
            is_waiting=True,
        )
    return Robot(channel, url, secret)


def post(robot: Robot, content: Mapping[str, Any], address: str | None, seconds_now: float) -> None:
    """Post a message.

    Args:
        address: where people reach Trellis, for the link.
        seconds_now: the time, for the signature.

    Raises:
        SendFailed: the robot does not take it.
    """
    text = _text(content, address)
    url, body = _WAYS[robot.channel](robot, text, content, seconds_now)
    destination = read_url(url)
    answer = request(
        "POST",
        url,
        {"Content-Type": "application/json; charset=utf-8"},
        orjson.dumps(body),
        # Who set the robot up allowed its host.
        allowed_hosts=frozenset({f"{destination.host}:{destination.port}"}),
    )
    check_status(answer)
    _check_word(robot, answer)


def _text(content: Mapping[str, Any], address: str | None) -> str:
    text = str(content["text"])
    if len(text.encode()) > _MOST_BYTES:
        text = text.encode()[: _MOST_BYTES - 3].decode("utf-8", "ignore") + "…"
    if address and content.get("path"):
        text += f"\n{address}{content['path']}"
    return text


def _named(text: str, content: Mapping[str, Any]) -> str:
    """Return the text with the names of those it is for: rooms where they cannot be rung up."""
    names = " ".join(f"@{name}" for name in content.get("names") or () if name)
    return f"{names}\n{text}" if names else text


def _mobiles(content: Mapping[str, Any]) -> list[str]:
    """Return the numbers as WeCom and DingTalk know them: Chinese ones without the country."""
    return [str(number).removeprefix("+86") for number in content.get("mobiles") or ()]


def _wecom(
    robot: Robot, text: str, content: Mapping[str, Any], now: float
) -> tuple[str, dict[str, Any]]:
    del now
    said: dict[str, Any] = {"content": text}
    if mobiles := _mobiles(content):
        said["mentioned_mobile_list"] = mobiles
    else:
        said["content"] = _named(text, content)
    return robot.url, {"msgtype": "text", "text": said}


def _dingtalk(
    robot: Robot, text: str, content: Mapping[str, Any], now: float
) -> tuple[str, dict[str, Any]]:
    url = robot.url
    if robot.secret:
        stamp = str(int(now * 1000))
        signed = hmac.digest(robot.secret.encode(), f"{stamp}\n{robot.secret}".encode(), "sha256")
        sign = quote_plus(base64.b64encode(signed))
        url += f"{'&' if '?' in url else '?'}timestamp={stamp}&sign={sign}"
    mobiles = _mobiles(content)
    # A number is shown as a name only where the text holds it.
    said = " ".join([text, *(f"@{one}" for one in mobiles)]) if mobiles else _named(text, content)
    at = {"atMobiles": mobiles, "isAtAll": False}
    return url, {"msgtype": "text", "text": {"content": said}, "at": at}


def _feishu(
    robot: Robot, text: str, content: Mapping[str, Any], now: float
) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": _named(text, content)}}
    if robot.secret:
        stamp = str(int(now))
        signed = hmac.new(f"{stamp}\n{robot.secret}".encode(), b"", hashlib.sha256).digest()
        body |= {"timestamp": stamp, "sign": base64.b64encode(signed).decode()}
    return robot.url, body


def _slack(
    robot: Robot, text: str, content: Mapping[str, Any], now: float
) -> tuple[str, dict[str, Any]]:
    del now
    said = _named(text, content)
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        said = said.replace(sign, written)
    return robot.url, {"text": said}


_Way = Callable[[Robot, str, Mapping[str, Any], float], tuple[str, dict[str, Any]]]
_WAYS: Mapping[str, _Way] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "slack": _slack,
}


def _check_word(robot: Robot, answer: Answer) -> None:
    """See that the robot says it took the message: they answer 200 even when they did not."""
    if robot.channel == "slack":
        return
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = {}
    code = said.get("errcode", said.get("code", said.get("StatusCode"))) if said else None
    if code == 0:
        return
    raise SendFailed(
        say(
            "The robot of {channel} answered {code}.",
            "{channel} 机器人返回 {code}。",
            channel=robot.channel,
            code=code if isinstance(code, int) else "–",
        ),
        is_final=code in _FINAL,
        retry_after=60 if code in _TOO_OFTEN else None,
        answer=answer.beginning,
    )
