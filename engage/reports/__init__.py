"""What a session, a student and a course looked like."""
