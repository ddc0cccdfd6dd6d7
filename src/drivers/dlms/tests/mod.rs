//! Whole sessions against a fake meter.

mod fake_meter;
mod profiles;
mod recorder;
mod sessions;
