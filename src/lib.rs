//! Typed storage whose engine is a plug-in.
#![forbid(unsafe_code)]
