"""Histories of concurrent clients under faults, recorded, and held against an oracle offline."""
