//! `--side primary|secondary`: on which side of the transformers figures are shown.

use clap::Args;

use super::failure::Failure;
use crate::export::SideView;
use crate::model::{MeterId, Side};
use crate::store::StoreReader;

/// On which side.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct OnSide {
    /// Turn figures into those of this side, each by the ratio of its own time: primary or secondary [default: as the
    /// meter gave them]
    #[arg(long, value_name = "SIDE", value_parser = side)]
    side: Option<Side>,
}

/// `primary` or `secondary`.
pub(super) fn side(text: &str) -> Result<Side, String> {
    match text {
        "primary" => Ok(Side::Primary),
        "secondary" => Ok(Side::Secondary),
        _ => Err("write primary or secondary".to_owned()),
    }
}

impl OnSide {
    /// The side that is wanted.
    pub(super) const fn side(self) -> Option<Side> {
        self.side
    }

    /// How a meter's figures are shown.
    pub(super) fn view(self, store: &StoreReader, meter: MeterId) -> Result<SideView, Failure> {
        Ok(SideView { history: store.ratio_history(meter)?, wanted: self.side })
    }
}
