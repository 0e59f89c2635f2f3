"""The virtual class: invented students, drawn by our own code, who follow scripts with known truth.

It needs no camera, no personal data and no download; it is the demo, the test bench and the load generator.
``Person`` says who it is, ``FaceState`` what the face does, ``render`` draws it, ``Script`` plays a part over time,
``VirtualSource`` is a camera in front of it, ``virtual_class`` seats a whole class.
"""
