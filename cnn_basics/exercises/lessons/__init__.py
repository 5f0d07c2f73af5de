"""What each lesson asks, with the answers."""
