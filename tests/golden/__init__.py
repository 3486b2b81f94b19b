"""A journal in each format that was ever written, as it was written, and what it comes to."""
