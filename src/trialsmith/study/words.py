"""Quantities and times as a person reads them."""


def quantity(value: float | None, unit: str = "") -> str:
    """Four significant digits and the unit; a dash where there is no value.

    >>> quantity(0.123456, "eV/atom")
    '0.1235 eV/atom'
    """
    return "—" if value is None else f"{value:.4g} {unit}".rstrip()


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, the way a clock shows them.

    >>> duration(59.6), duration(3661)
    ('1:00', '1:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
