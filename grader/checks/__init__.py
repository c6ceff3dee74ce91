"""What a check file imports, and the session that runs one."""
