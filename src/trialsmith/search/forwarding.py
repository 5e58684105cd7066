"""A storage that stands before another one."""

import inspect
from collections.abc import Callable
from typing import Any

from optuna.storages import BaseStorage


def _handing_on(name: str) -> Callable[..., Any]:
    def method(self: "Forwarding", *args: Any, **kwargs: Any) -> Any:
        return self._call(name, *args, **kwargs)

    method.__name__ = name
    return method


class Forwarding(BaseStorage):
    """Hands every call on to `inner`; a class derived from it does something about some."""

    def __init__(self, inner: BaseStorage) -> None:
        self.inner = inner

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.inner, name)(*args, **kwargs)

    locals().update(
        {
            name: _handing_on(name)
            for name, value in vars(BaseStorage).items()
            if inspect.isfunction(value) and not name.startswith("_")
        }
    )
