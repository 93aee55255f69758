"""The colours, for the style sheet (as a theme) and for texts (as Rich styles)."""

from __future__ import annotations

from textual.theme import Theme

GREEN, YELLOW, RED = "#4ade80", "#fbbf24", "#f87171"
TEAL, VIOLET, BLUE, PINK = "#5eead4", "#a78bfa", "#60a5fa", "#f0abfc"
FAINT = "#6b7683"
TROUGH = "#2a333f"

MODE_STYLES = {"ok": GREEN, "degraded": YELLOW, "starting": BLUE}
VERDICT_STYLES = {"exact": GREEN, "semantic": TEAL, "coalesced": BLUE, "bypass": FAINT}

THEME = Theme(
    name="helix",
    primary=TEAL,
    secondary=VIOLET,
    accent=PINK,
    success=GREEN,
    warning=YELLOW,
    error=RED,
    foreground="#d7dde5",
    background="#0d1117",
    surface="#11161d",
    panel="#1a212b",
    dark=True,
)
