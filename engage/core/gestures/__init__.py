"""Gestures: nods, yawns, closed lids, looking away, from one student's signals over time. Pure; times in seconds.

``reading`` says what is looked at, ``oscillation``, ``spells``, ``eyes`` and ``mouth`` recognise, ``reader`` is one
student's recogniser; ``participation`` turns stored gestures into the score's G.
"""
