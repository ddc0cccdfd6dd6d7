//! Class 7, profile generic: load profiles, billing profiles and logs.
//!
//! `columns` says what each captured object is to a row, `request` what to ask for, `rows` gives the buffer's rows
//! their instants, and `intervals`, `billing` and `events` make of them what the store keeps. None of these knows a
//! link; `reading` and `entries` hold the conversation.

mod billing;
pub(super) mod columns;
mod entries;
mod events;
mod intervals;
pub(super) mod made;
mod reading;
pub(super) mod request;
mod rows;
#[cfg(test)]
mod tests;

pub(super) use reading::ProfileJob;
