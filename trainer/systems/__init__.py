"""Every system of the paper's comparison, each a config of ``trainer compare``; see ``registry``."""
