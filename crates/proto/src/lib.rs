//! The wire protocol: generated messages, frame codec and both session halves, without I/O.
