"""The database: tables, the write side and the read side."""
