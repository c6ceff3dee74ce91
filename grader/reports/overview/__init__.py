"""The class at a glance: `standings` gathers an assignment for staff, `told` what a student knows of it, `pages` writes both."""
