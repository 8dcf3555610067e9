"""Mutants of what is read, sent and shipped: suspicion, delivery, responses."""

from tools.mutants.mutant import Mutant

_E = "custom_resource/event"

MUTANTS = (
    Mutant(
        "a forged date is believed",
        _E,
        "return now if signed is None else min(max(signed, now - OLDEST_SIGNATURE), now + NEWEST_SIGNATURE)",
        "return now if signed is None else signed",
        ("event",),
    ),
    Mutant(
        "a ServiceTimeout of a day is believed",
        _E,
        "DEFAULT_SERVICE_TIMEOUT, 1), DEFAULT_SERVICE_TIMEOUT)",
        "DEFAULT_SERVICE_TIMEOUT, 1), 86400)",
        ("event",),
    ),
    Mutant(
        "a response goes anywhere",
        _E,
        "        if not is_response_url(url, hosts):\n",
        "        if False:\n",
        ("event",),
    ),
    Mutant("a response goes to a host with a user in front", _E, ' or "@" in parts.netloc', "", ("event",)),
    Mutant("a request may pass for a poll", _E, ' and "RequestType" not in event', "", ("event",)),
    Mutant("an id of a megabyte is kept", _E, " or len(value) > _LONGEST[name]", "", ("event",)),
    Mutant(
        "503 is final",
        "custom_resource/delivery",
        " or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR",
        "",
        ("delivery",),
    ),
    Mutant("429 is final", "custom_resource/delivery", ", HTTPStatus.TOO_MANY_REQUESTS)", ")", ("delivery",)),
    Mutant(
        "S3's RequestTimeout is final",
        "custom_resource/delivery",
        'b"<Code>RequestTimeout</Code>" in body',
        "False",
        ("delivery",),
    ),
    Mutant(
        "403 is tried again",
        "custom_resource/delivery",
        "            if not code:\n                return False\n",
        "            code = code or 'x'\n",
        ("delivery",),
    ),
    Mutant(
        "plain HTTP is spoken",
        "custom_resource/delivery",
        'if not url.startswith("https://"):',
        "if False:",
        ("delivery",),
    ),
    Mutant(
        "a signal may be too long",
        "custom_resource/response",
        "    return _fitting(encoded, signal.data, signal.reason, trimmed_first)",
        "    return encoded(signal.data, signal.reason)",
        ("response",),
    ),
    Mutant(
        "a response may be too long",
        "custom_resource/response",
        "    return _fitting(encoded, response.data, response.reason, trimmed_first)",
        "    return encoded(response.data, response.reason)",
        ("response",),
    ),
    Mutant(
        "attributes are trimmed from the first on",
        "custom_resource/response",
        "for name in reversed(data)",
        "for name in data",
        ("response",),
    ),
    Mutant(
        "a long Reason loses where the log is",
        "custom_resource/response",
        '"Reason": reason + closing}',
        '"Reason": reason}',
        ("response",),
    ),
)
