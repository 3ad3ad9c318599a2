"""What a password must be: long enough, not common, not the name. No rules about signs."""

from __future__ import annotations

from app.errors import InvalidInput
from app.texts import Label, say

SHORTEST = 8
#: A limit only so that nobody sends megabytes to be hashed.
LONGEST = 256

#: The heads of published lists of leaked passwords; anything built from them falls at the rule
#: below as well.
_COMMON_WORDS = """
password passw0rd password1 password12 password123 password1234 passwort 12345678 123456789
1234567890 87654321 11111111 00000000 88888888 66666666 99999999 12341234 11223344 123123123
qwertyui qwertyuiop qwerty123 qwerty12 1q2w3e4r 1q2w3e4r5t 1qaz2wsx qazwsxedc zaq12wsx asdfghjk
asdfghjkl zxcvbnm123 abc12345 abcd1234 abcdefgh aa123456 a1234567 a12345678 asd123456 qq123456
woaini1314 woaini520 5201314520 iloveyou iloveyou1 sunshine princess football baseball superman
batman123 trustno1 welcome1 welcome123 letmein1 letmein123 monkey123 dragon123 master123
admin123 admin1234 administrator admin888 root1234 changeme changeme1 default1 secret123
testtest test1234 guest123 user1234 computer internet michelle jennifer jordan23 starwars
whatever freedom1 passpass liverpool charlie1 p@ssw0rd p@ssword pa55word zhang123 wang1234
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def check_password(password: str, *names: str) -> None:
    """Refuse a password that is too short, too long, common, or one of the person's names.

    Raises:
        InvalidInput: with the sentence beside the field ``password``.
    """
    problem = _problem(password, names)
    if problem is not None:
        raise InvalidInput({"password": [problem]})


def _problem(password: str, names: tuple[str, ...]) -> Label | None:
    if len(password) < SHORTEST:
        return say(
            "The password has {count} characters; use at least {least}.",
            "密码只有 {count} 个字符，至少需要 {least} 个。",
            count=len(password),
            least=SHORTEST,
        )
    if len(password) > LONGEST:
        return say(
            "The password has {count} characters; at most {most} can be used.",
            "密码有 {count} 个字符，最多 {most} 个。",
            count=len(password),
            most=LONGEST,
        )
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) <= 2:
        return say(
            "This password is among the first that anybody would guess. Choose another.",
            "这个密码太常见，容易被猜到，请换一个。",
        )
    if folded in {name.casefold() for name in names if name}:
        return say(
            "The password must not be your name or e-mail address.",
            "密码不能与您的姓名或邮箱相同。",
        )
    return None
