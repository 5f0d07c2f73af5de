"""Natural colours and the lists that scenes are drawn from; RGB in 0…1."""

from __future__ import annotations

Colour = tuple[float, float, float]


def rgb(code: str) -> Colour:
    """Turn ``"rrggbb"`` into RGB in 0…1."""
    return tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))  # type: ignore[return-value]


COATS: dict[str, tuple[Colour, Colour, Colour]] = {  # base, light, dark
    "black": (rgb("45424a"), rgb("6a6670"), rgb("2c2a31")),
    "white": (rgb("f1ebe2"), rgb("fdfaf5"), rgb("cfc3b6")),
    "cream": (rgb("ecd2a8"), rgb("fbeed8"), rgb("c69c68")),
    "ginger": (rgb("e0924a"), rgb("fadcb4"), rgb("ad5f26")),
    "fawn": (rgb("cfa678"), rgb("f2dcc0"), rgb("94693f")),
    "brown": (rgb("976845"), rgb("d9b591"), rgb("623e27")),
    "chocolate": (rgb("6b4734"), rgb("b58e74"), rgb("432a1f")),
    "grey": (rgb("9a9aa0"), rgb("dcdcde"), rgb("5f6068")),
    "blue": (rgb("75818f"), rgb("bcc6d0"), rgb("4a5462")),
}
EYES = {
    "amber": rgb("e0a030"),
    "green": rgb("8fb84a"),
    "blue": rgb("6fb0dc"),
    "brown": rgb("8a5526"),
    "hazel": rgb("b08a3c"),
    "dark": rgb("54341f"),
}
NOSES = {
    "black": rgb("332c30"),
    "brown": rgb("6d4438"),
    "pink": rgb("d98c8c"),
    "slate": rgb("5a5560"),
}
TOYS = {  # balls, cushions, collars
    "red": rgb("c8423f"),
    "blue": rgb("4a7fb8"),
    "yellow": rgb("e8b84a"),
    "teal": rgb("3f9a94"),
    "plum": rgb("8a5590"),
    "coral": rgb("e88068"),
}
PATTERNS = ("plain", "shaded", "tabby", "patches", "bib", "points", "spots", "tricolour")
POSES = ("sit", "loaf", "stand", "bust")
OCCLUDERS = ("leaves", "cushion", "box", "ball", "grass")
BACKDROPS: dict[str, tuple[Colour, Colour, Colour]] = {  # upper, lower, detail
    "wall": (rgb("e8dcc8"), rgb("b98d62"), rgb("f6f0e4")),
    "sofa": (rgb("7d9aa8"), rgb("94b0ba"), rgb("e2b45c")),
    "meadow": (rgb("a9d4ec"), rgb("83b45c"), rgb("fff4c8")),
    "sky": (rgb("86bfe8"), rgb("cfe6f2"), rgb("ffffff")),
    "studio": (rgb("d8a9a0"), rgb("c08a84"), rgb("eccac0")),
    "dots": (rgb("b8cfae"), rgb("a9825c"), rgb("dfead6")),
    "stripes": (rgb("c7b4d4"), rgb("8d7358"), rgb("ded0e6")),
    "bokeh": (rgb("4d7a5c"), rgb("3a5a48"), rgb("e8d890")),
    "blanket": (rgb("c46a5c"), rgb("a84e48"), rgb("ecc8a0")),
    "evening": (rgb("4c5a86"), rgb("6a5470"), rgb("f4c878")),
}
