"""Strings that have broken programs: our own list."""

NAUGHTY: tuple[str, ...] = (
    # Words that mean something to a program.
    "null", "NULL", "None", "nil", "undefined", "true", "false", "NaN", "Infinity", "-Infinity", "inf",
    "0", "-0", "+0", "00", "01", "1e3", "1E+400", "0x1F", "1_000", "1,234.56", "1.234,56", "٣٤٥", "½", "²",
    "९", "2026-02-30", "01/02/03", "on", "off", "yes", "no", "NO", "~", "!!python/object:os.system",
    # Quotes, escapes, markup and code.
    "'", '"', "''", "'; DROP TABLE customer; --", "1 OR 1=1", "\\", "\\\\", "\\n", "\\x00", "%", "%s", "%%",
    "%(name)s", "_", "{}", "{0}", "{{7*7}}", "{% raw %}", "${7*7}", "$1", ":name", "@@version", "`id`",
    "$(touch /tmp/x)", "| cat /etc/passwd", "; ls", "&&", "../../etc/passwd", "C:\\con\\con", "file:///etc/passwd",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "javascript:alert(1)",
    "<!--", "-->", "]]>", "<![CDATA[x]]>", "&lt;", "&#x41;", "&nbsp;", "<svg/onload=alert(1)>", "</textarea>",
    "=1+1", "+1+1", "-1+1", "@SUM(1)", '=HYPERLINK("http://x")', "\tx", "#REF!", "=cmd|' /C calc'!A0",
    # Space that is not empty, and things nobody sees.
    "a b", " a", "a ", "a\tb", "a\nb", "a\r\nb", "a\rb", "a\vb", "a\fb", "a\x1bb", "a\x07b", "a\x08b", "a\x7fb",
    "a\x85b", "a\u2028b", "a\u2029b", "a\u00a0b", "a\u3000b", "a\u200bb", "a\u200db", "a\ufeffb", "\x01\x02\x03",
    "a\u00adb", "\u2066a\u2069", "\u202eabc", "\u200fabc", "a\u061cb", "\U000e0041", "\ufffe", "\uffff", "\ufffd",
    # Letters of the world, composed and not.
    "é", "e\u0301", "ñ", "Å", "Å", "ﬁ", "İ", "ı", "ß", "ẞ", "Σς", "ǅ", "Ω", "Z̸̡̢͔a̷l̶g̵o̴", "नमस्ते", "สวัสดี",
    "السلام عليكم", "שלום", "中文", "繁體中文", "﨑", "𠮷野家", "ㄅㄆㄇ", "日本語", "한국어", "한글", "ქართული",
    "Ελληνικά", "Привет", "ﷺ", "ཨོཾ", "𝒳𝓎𝓏", "ａｂｃ１２３", "Ⅷ", "①", "㎏", "…", "——", "“”", "¥", "￥",
    # Outside the first plane.
    "😀", "👨‍👩‍👧‍👦", "🇨🇳", "🏳️‍🌈", "👍🏿", "❤️", "𝄞", "🀄", "\U0010ffff", "a" * 5000, "😀" * 1000, "\u0301" * 200,
)  # fmt: skip
