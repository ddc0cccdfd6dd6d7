//! The transformer ratios that a meter holds: identities 614 and 616 (section 10).

use crate::model::template::{FlagRatio, FlagRatioForm};
use crate::model::{Fault, MeterRatios, PlateRatios, Ratio, Template};
use crate::protocol::elster_flag::FlagLine;
use crate::protocol::elster_flag::values::{self, RatioForm};

use super::session::Session;

const fn form(form: FlagRatioForm) -> RatioForm {
    match form {
        FlagRatioForm::Bcd42 => RatioForm::Bcd(4, 2),
        FlagRatioForm::Bcd43 => RatioForm::Bcd(4, 3),
        FlagRatioForm::Binary => RatioForm::Binary,
    }
}

const fn bytes(of: FlagRatioForm) -> u16 {
    match of {
        FlagRatioForm::Bcd42 => 6,
        FlagRatioForm::Bcd43 => 7,
        FlagRatioForm::Binary => 8,
    }
}

/// Why no ratio is written to an Elster meter.
pub(super) fn not_written(template: &Template) -> Fault {
    Fault::refused(
        format!(
            "refused: the transformer ratios of an Elster {} can be read (tables 616 and 614) and not written: no \
             published source writes them",
            template.flag.model
        ),
        "apply the ratio in this program without --write, or program the meter with the maker's own software",
    )
}

/// The ratios as words.
fn in_words(said: &PlateRatios) -> String {
    let one = |what: &str, ratio: Option<Ratio>| match ratio {
        Some(ratio) => format!("{what} {ratio}"),
        None => format!("no {what}"),
    };
    format!("{}, {}", one("CT", said.ct), one("VT", said.vt))
}

impl<L: FlagLine> Session<'_, L> {
    async fn read_ratio(&mut self, what: &str, at: Option<FlagRatio>) -> Result<Option<Ratio>, Fault> {
        let Some(at) = at else { return Ok(None) };
        let Some(octets) = self.read_table(at.id, bytes(at.form)).await? else { return Ok(None) };
        let found = values::ratio(&octets, form(at.form));
        match found {
            None => self.sink.remark(format!("table {} holds no {what} ratio that can be read", at.id)),
            Some(ratio) if at.unverified => self.sink.remark(format!(
                "{what} {ratio}: nobody has confirmed how this model holds it; compare it with the plate"
            )),
            Some(_) => {}
        }
        Ok(found)
    }

    /// Reads the ratios and hands them over.
    pub(super) async fn read_ratios(&mut self) -> Result<(), Fault> {
        let flag = self.flag();
        let ct = self.read_ratio("CT", flag.ct).await?;
        let vt = self.read_ratio("VT", flag.vt).await?;
        let said = PlateRatios { ct, vt };
        if said == PlateRatios::default() {
            return Err(Fault::meter(
                "the meter shows no transformer ratios",
                "it may have none; the store's own are not touched",
            ));
        }
        self.sink.ratios(&MeterRatios { said, read_at: self.now() })?;
        self.sink.outcome(format!("The meter holds {}", in_words(&said)));
        Ok(())
    }
}
