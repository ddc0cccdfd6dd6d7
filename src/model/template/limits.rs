//! What a scheme may ask of a model.

use serde::{Deserialize, Serialize};

/// What a scheme may ask of a model: the `limit`, `period` and `ratio` checks of `scheme-format.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemeLimits {
    /// Time-of-use energy registers.
    pub energy_registers: u32,
    /// Maximum-demand registers.
    pub demand_registers: u32,
    /// Highest values kept by a demand register.
    pub highest: u32,
    /// Customer-defined registers.
    pub customer_defined: u32,
    /// Sources in a customer-defined register.
    pub customer_defined_sources: u32,
    /// Day types.
    pub day_types: u32,
    /// Switching times in a day type.
    pub switches_per_day: u32,
    /// Grid of switching times in minutes.
    pub switching_grid_minutes: u32,
    /// Week types.
    pub weeks: u32,
    /// Seasons.
    pub seasons: u32,
    /// Special days.
    pub special_days: u32,
    /// Billing dates.
    pub billing_dates: u32,
    /// Demand integration periods in minutes.
    pub demand_periods_minutes: Vec<u32>,
    /// Load-profile periods in minutes.
    pub profile_periods_minutes: Vec<u32>,
    /// Load-profile channels.
    pub profile_channels: u32,
    /// Instrumentation channels.
    pub instrumentation_channels: u32,
    /// Items in each display list.
    pub display_items: u32,
    /// Digits of each side of a ratio.
    pub ratio_digits: u32,
    /// Whether a secondary may be above its primary.
    pub secondary_above_primary: bool,
    /// Whether the model has a latent tariff.
    pub latent: bool,
}

impl Default for SchemeLimits {
    /// The design values of `facts/pmu-features.md`, section 11: no meter's limits.
    fn default() -> Self {
        let periods = vec![1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];
        Self {
            energy_registers: 32,
            demand_registers: 16,
            highest: 10,
            customer_defined: 4,
            customer_defined_sources: 8,
            day_types: 16,
            switches_per_day: 96,
            switching_grid_minutes: 1,
            weeks: 12,
            seasons: 12,
            special_days: 64,
            billing_dates: 24,
            demand_periods_minutes: periods.clone(),
            profile_periods_minutes: periods,
            profile_channels: 32,
            instrumentation_channels: 8,
            display_items: 64,
            ratio_digits: 9,
            secondary_above_primary: false,
            latent: true,
        }
    }
}
