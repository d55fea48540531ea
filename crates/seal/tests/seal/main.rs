//! What is sealed for a job, and every way in which it could come back changed.

mod blob;
mod envelope;
mod manifest;
mod room;
