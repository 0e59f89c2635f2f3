"""Face detectors, one module each, behind ``engage.core.protocols.FaceDetector``; see ``registry``."""
