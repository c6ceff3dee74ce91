"""A notebook as a document: read, put right, made safe to show."""
