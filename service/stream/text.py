"""A piece of generated text, with the details of its characters if the request wants details."""

from dataclasses import dataclass

from service.stream.details import Details


@dataclass(frozen=True)
class Text:
    """Characters, and the details of every character or of none."""

    characters: str
    details: Details | None = None

    def __len__(self) -> int:
        return len(self.characters)

    def __getitem__(self, part: slice) -> "Text":
        return Text(self.characters[part], self.details and self.details[part])

    def __add__(self, other: "Text") -> "Text":
        details = None
        if self.details is not None and other.details is not None:
            details = self.details + other.details
        return Text(self.characters + other.characters, details)
