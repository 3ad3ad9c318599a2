"""Reading e-mail addresses, telephone numbers and web addresses, without any field."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from app.fields.base import (
    FieldError,
)
from app.fields.reading import (
    check_length,
    shown,
)
from app.texts import say

_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]+"


_MAIL = re.compile(
    rf"{_LOCAL}@(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.)+[^\W\d_](?:[\w-]{{0,61}}[^\W_])?\Z"
)


_SCHEMES = ("http", "https", "mailto")


_HOST = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?\.?\Z|[0-9a-f:.]*:[0-9a-f:.]*\Z",
    re.IGNORECASE,
)


#: What nearly all are: nothing in it is in doubt.
USUAL_ADDRESS = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,61}"
    r"(?:/[A-Za-z0-9._~/%?=&#+-]{0,900})?\Z"
)


_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}(?:[:/?#].*)?\Z", re.DOTALL)


#: A mobile number as it is dialled in China; 179 is dialled before others.
_CHINESE_MOBILE = re.compile(r"1(?:[3-689]\d|7[0-8])\d{8}", re.ASCII)


_BLANK = re.compile(r"[\s\x00-\x20\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


def read_mail(text: str) -> str:
    """Return an e-mail address, its domain in small letters.

    Raises:
        FieldError: it cannot be one.
    """
    local, at, domain = text.rpartition("@")
    address = f"{local}{at}{domain.lower()}"
    is_odd = ".." in local or local.startswith(".") or local.endswith(".") or len(local) > 64
    if len(address) > 254 or is_odd or not _MAIL.match(address):
        raise FieldError(
            say(
                "“{value}” is not an e-mail address. It looks like name@example.com.",
                "“{value}”不是电子邮箱地址，应类似 name@example.com。",
                value=shown(text),
            ),
            "not-an-email",
        )
    return address


def read_address(text: str) -> str:
    """Return a web address with one of the schemes that are safe to click.

    Raises:
        FieldError: it has another scheme, or none and does not look like a site.
    """
    address = text if "://" in text or not _BARE_HOST.match(text) else f"https://{text}"
    if len(address) <= 1000 and USUAL_ADDRESS.match(address):
        return address
    return read_unusual(address, text)


def read_unusual(address: str, text: str) -> str:
    """Return a web address that was looked at part by part; *text* is what was written."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # Asking for the port is what checks it.
        is_whole = bool(_HOST.match(host)) and parts.port != 0
    except ValueError:
        raise _not_an_address(text) from None
    scheme = parts.scheme.lower()
    if _BLANK.search(address) or "\\" in address or scheme not in _SCHEMES:
        raise _not_an_address(text)
    if scheme == "mailto":
        read_mail(parts.path)
    elif not is_whole or "@" in parts.netloc:
        raise _not_an_address(text)
    check_length(address, None, 2000)
    return scheme + address[len(scheme) :]


def _not_an_address(text: str) -> FieldError:
    return FieldError(
        say(
            "“{value}” is not a web address. It begins with https://, http:// or mailto:.",
            "“{value}”不是网址，应以 https://、http:// 或 mailto: 开头。",
            value=shown(text),
        ),
        "not-an-address",
    )


def read_phone(text: str, country: str) -> str:
    """Return a telephone number as E.164, with ``;ext=`` where it has an extension.

    Args:
        text: the number as people write it.
        country: two letters; a number without country code is taken for one of there.

    Raises:
        FieldError: it cannot be a number of that country or of the one it names.
    """
    if country == "CN" and _CHINESE_MOBILE.fullmatch(text):
        # What nearly all are; the library takes ten times as long to say the same.
        return f"+86{text}"
    import phonenumbers

    if len(text) > 60:
        raise _not_a_phone(text)
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise _not_a_phone(text) from None
    if not phonenumbers.is_possible_number(number):
        raise _not_a_phone(text)
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain};ext={number.extension}" if number.extension else plain


def _not_a_phone(text: str) -> FieldError:
    return FieldError(
        say(
            "“{value}” is not a telephone number. Write it with the area code, or with + and the "
            "country code, for example +86 138 0013 6021.",
            "“{value}”不是电话号码。请带区号，或以 + 和国家代码开头，例如 +86 138 0013 6021。",
            value=shown(text),
        ),
        "not-a-phone",
    )


def national_number(number: str) -> str:
    """Return a stored number, without its extension, without the country code."""
    if number.startswith("+86") and _CHINESE_MOBILE.fullmatch(number, 3):
        return number[3:]
    import phonenumbers

    found: str = phonenumbers.national_significant_number(phonenumbers.parse(number))
    return found


def show_phone(number: str, country: str) -> str:
    """Return a stored number as people write it: at home without the country code."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number.replace(";ext=", " ext. "), country)
    except phonenumbers.NumberParseException:
        return number
    formats = phonenumbers.PhoneNumberFormat
    home = phonenumbers.country_code_for_region(country)
    at_home = parsed.country_code == home
    return phonenumbers.format_number(
        parsed, formats.NATIONAL if at_home else formats.INTERNATIONAL
    )
