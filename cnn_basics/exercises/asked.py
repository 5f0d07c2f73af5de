"""What exercises and quick questions have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """Something that a lesson asks.

    Attributes:
        name: Such as "5.2": lesson, then number.
        title: A few words.
        difficulty: 1 to 3.
        importance: 1 to 3.
        minutes: How long it takes.
        asks: What is asked, in words.
    """

    name: str
    title: str
    difficulty: int
    importance: int
    minutes: int
    asks: str

    @property
    def levels(self) -> str:
        """Difficulty, importance and minutes in words.

        Example:
            >>> Asked("0.1", "Nothing", 1, 3, 5, "").levels
            'difficulty ●○○ · importance ●●● · 5 minutes'
        """
        difficulty, importance = (
            "●" * n + "○" * (3 - n) for n in (self.difficulty, self.importance)
        )
        minutes = "1 minute" if self.minutes == 1 else f"{self.minutes} minutes"
        return f"difficulty {difficulty} · importance {importance} · {minutes}"
