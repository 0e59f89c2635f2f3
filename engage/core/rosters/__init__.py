"""Files with students in them, read without trust: whatever the bytes, out come students and problems with lines."""
