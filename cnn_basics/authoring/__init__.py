"""For those who change lessons: stored outputs, checked numbers, the glossary's links, editions."""
