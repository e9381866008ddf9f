"""Files below everything: atomic writing, checked JSON, encryption, probes."""
