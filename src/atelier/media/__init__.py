"""Pictures and sound, in and out: the only files that know file formats."""
