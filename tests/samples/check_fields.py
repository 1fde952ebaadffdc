"""What checks say, to be compared: NaN equals nothing, itself included."""

from dataclasses import fields

from cxlink.checks import Check


def check_fields(*checks: Check) -> list[dict[str, object]]:
    """Fields of each check by name, without the numbers that it has not."""
    names = [field.name for field in fields(Check)]
    every = [{name: getattr(check, name) for name in names} for check in checks]
    return [{name: value for name, value in one.items() if value == value} for one in every]
