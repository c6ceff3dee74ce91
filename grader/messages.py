"""Words that people read: an English template and its parameters, put together only when they are shown.

A template is a string literal where the message is made: Babel finds it there (keyword `Message`), and another language has
its own words for it. What is not ours, such as the text of a student's exception, a file's name or a line of a cell, is a parameter: it is
shown as it is, and braces in it mean nothing.
"""

from __future__ import annotations

import dataclasses
import numbers
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

MESSAGES = "messages"  # beside the English words: templates and parameters, by the name of the field

Value: TypeAlias = "str | int | float | Message"

MOST_USES = 2  # of a parameter in a template that was read: one that repeats itself over and over is not ours


class _Formatter(string.Formatter):
    """Python's own format strings, of which a field is a parameter's name and nothing else: no attributes, no items."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401, ARG002 - the library's signature
        # `{x.y}` and `{x[0]}` are looked up as whole names, which no parameter has.
        return kwargs[field_name], field_name


@dataclass(frozen=True, init=False)
class Message:
    """A sentence, or a part of one.

    Attributes:
        template: English, with `{name}` or `{name:.3f}` for each parameter; without parameters it is shown as it stands, braces and all.
        parameters: numbers, texts that are shown as they are, and other messages.
    """

    template: str
    parameters: Mapping[str, Value]

    def __init__(self, template: str, /, **parameters: Value) -> None:
        # The class is frozen, so its own constructor has to go around that.
        object.__setattr__(self, "template", str(template))
        object.__setattr__(self, "parameters", {name: _plain(value) for name, value in parameters.items()})

    @classmethod
    def of(cls, words: str | Message) -> Message:
        """Return a message as it is; a plain text, such as a check file's hint, becomes a template without parameters."""
        return words if isinstance(words, Message) else cls(words)

    def shown(self, translated: Callable[[str], str] = str) -> str:
        """Return the words.

        Args:
            translated: returns the template to show in place of an English one, with the same parameters.
        """
        template = translated(self.template) if self.template else ""
        if not self.parameters:
            return template
        values = {
            name: value.shown(translated) if isinstance(value, Message) else value
            for name, value in self.parameters.items()
        }
        return _Formatter().vformat(template, (), values)

    def __str__(self) -> str:
        return self.shown()

    def __bool__(self) -> bool:
        return bool(self.template)

    def __hash__(self) -> int:
        # Names of parameters suffice: equal messages have equal hashes.
        return hash((self.template, *sorted(self.parameters)))

    def to_record(self) -> dict[str, Any]:
        """Return template and parameters as JSON-able values; `from_record` is its inverse."""
        return {
            "template": self.template,
            "parameters": {
                name: value.to_record() if isinstance(value, Message) else value
                for name, value in self.parameters.items()
            },
        }

    @classmethod
    def from_record(cls, record: Any, *, nested: bool = True) -> Message:  # noqa: ANN401 - JSON, to be looked at
        """Read what `to_record` wrote, or its JSON.

        Args:
            record: where a process that met hostile bytes wrote it, it may be anything.
            nested: whether messages may be parameters.

        Raises:
            ValueError: it is no message, or one that cannot be shown.
        """
        match record:
            # Nothing but these two keys: what is read may come from a process that met hostile bytes.
            case {"template": str(template), "parameters": dict(parameters), **rest} if not rest:
                pass
            case _:
                raise ValueError("a message has a template and parameters that have names")
        values: dict[str, Value] = {}
        for name, value in parameters.items():
            if isinstance(value, dict) and nested:
                values[name] = cls.from_record(value)
            elif isinstance(value, str | int | float):
                values[name] = value
            else:
                raise ValueError(f"a message's parameter is a text, a number or a message: {name}")
        if values:
            _check(template, values)
        return cls(template, **values)


NOTHING = Message.of("")  # no template: to gettext the empty one is a catalog's header
"""Where there is nothing to say; it counts as false."""


def quoted(words: str) -> Message:
    """Return words that are not ours as a message: shown as they are, in every language."""
    return Message("{words}", words=words) if words else NOTHING


def joined(messages: Sequence[Message]) -> Message:
    """Return messages as one, with semicolons between them."""
    if len(messages) < 2:
        return messages[0] if messages else NOTHING
    # Halved, so that messages are nested as deep as the logarithm of their number.
    middle = len(messages) // 2
    return Message("{first}; {then}", first=joined(messages[:middle]), then=joined(messages[middle:]))


def separate(message: Message) -> Iterator[Message]:
    """Yield what `joined` put together, one message each; nothing of a message that says nothing."""
    if message.template == "{first}; {then}":
        for name in ("first", "then"):
            yield from separate(Message.of(message.parameters[name]))  # type: ignore[arg-type] # `joined` puts messages there
    elif message:
        yield message


def listed(names: Sequence[str | Message]) -> Message:
    """Return names as one message, with commas between them."""
    if len(names) < 2:
        return NOTHING if not names else names[0] if isinstance(names[0], Message) else quoted(names[0])
    middle = len(names) // 2
    return Message("{first}, {then}", first=listed(names[:middle]), then=listed(names[middle:]))


def sentences(messages: Sequence[Message]) -> Message:
    """Return sentences as one message, one after the other; what says nothing is left out."""
    nonempty = [message for message in messages if message]
    if len(nonempty) < 2:
        return nonempty[0] if nonempty else NOTHING
    middle = len(nonempty) // 2
    return Message("{first} {then}", first=sentences(nonempty[:middle]), then=sentences(nonempty[middle:]))


def _plain(value: Value) -> Value:
    """Return a parameter as JSON has it: an enum's or numpy's value as the text or number that it is."""
    if isinstance(value, Message) or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, str):
        return str(value)
    number = cast("Any", value)
    if isinstance(number, numbers.Integral):
        return int(number)
    if isinstance(number, numbers.Real):
        return float(number)
    raise TypeError(f"a message's parameter is a text, a number or a message, found {type(value).__name__}")


def _check(template: str, values: Mapping[str, Value]) -> None:
    """Say whether a template that was read can be shown with its parameters, and is no trap; raises ValueError."""
    fields = [
        (name, spec or "") for _, name, spec, _ in string.Formatter().parse(template) if name is not None
    ]
    names = [name for name, _ in fields]
    if set(names) != set(values) or any(names.count(name) > MOST_USES for name in values):
        raise ValueError(f"a message's template and parameters do not fit: {', '.join(values)}")
    for name, spec in fields:
        if len(spec) > len(".12g"):  # a width would be as many blanks as somebody likes
            raise ValueError(f"a message's number is written in another way: {name}:{spec[:20]}")
        value = values[name]
        if isinstance(value, Message) and spec:
            raise ValueError(f"a message is no number: {name}")
        if not isinstance(value, Message):
            # Raises ValueError where the value cannot be written so.
            format(value, spec)


def record_of(instance: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    """Return a value as JSON has it: with words in English where it has messages, and the messages beside them.

    Args:
        instance: of a dataclass.
        names: its fields that hold a message, or several.
    """
    # This takes messages apart, so their words are made from the instance.
    record = dataclasses.asdict(instance)
    messages = {name: record[name] for name in names if getattr(instance, name)}
    return {**record, **{name: _each(getattr(instance, name), str) for name in names}, MESSAGES: messages}


def with_messages(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a record with messages where it has words; those stored without are nobody's template."""
    # A copy, since keys are taken out of it.
    values = dict(record)
    messages = values.pop(MESSAGES, {})
    for name in names:
        if name in messages:
            values[name] = _each(messages[name], Message.from_record)
        elif name in values:
            values[name] = _each(values[name], quoted)
    return values


def _each(words: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - a value, or many
    """Change a value, or each of a sequence."""
    return [change(element) for element in words] if isinstance(words, list | tuple) else change(words)


# A notice of a grade that stored answers earned by other levels or checks than those of their run.
JUDGED_AGAIN = Message(
    "The levels or checks of this assignment have changed since your notebook ran. What it answered then was judged again; it did not run again."
)
