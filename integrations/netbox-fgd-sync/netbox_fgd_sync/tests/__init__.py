"""Tests that NetBox's test command runs."""
