//! A scheme's tariff as a COSEM meter keeps it, and back: seasons, weeks and days as an activity calendar, special
//! days, scripts and masks (IEC 62056-62). Pure: tables in, tables out; `protocol` writes tables down, a driver
//! carries them to a meter.
//!
//! | file | holds |
//! | --- | --- |
//! | `dates` | dates, times and rules, octet by octet |
//! | `layout` | a tariff as tables, side by side with those that are in force |
//! | `resolve` | from a script through its mask to registers |
//! | `read` | tables as a scheme |
//! | `meaning` | what a tariff means, to compare tariffs that call their parts otherwise |

mod dates;
mod layout;
mod meaning;
mod read;
mod resolve;

#[cfg(test)]
mod tests;

pub use dates::{
    daylight_rule, execution_time, is_by_rule, is_unspecified, read_daylight_rule, read_daylight_saving,
    read_execution_time,
};
pub use layout::{Ground, Layout, Means, special_rows};
pub use meaning::Meaning;
pub use read::{Found, Seen};
