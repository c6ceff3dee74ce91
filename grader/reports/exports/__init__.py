"""Marks as other systems take them: `rows` gathers what all formats share, then one module a format."""
