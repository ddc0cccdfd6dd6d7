//! What stands in the tables of a virtual Elster meter (sections 4 to 10 of the fact sheet).

use jiff::civil::DateTime;

use crate::model::{Decimal, MeterStamp, Ratio};
use crate::protocol::elster_flag::values::{self, ByteOrder, RatioForm};
use crate::simulator::load::{Energies, Premises};
use crate::simulator::meter::VirtualMeter;
use crate::simulator::record::Maximum;
use crate::simulator::server;

use super::{FlagMeter, Model};

/// Letters of the scheme's name.
const SCHEME: &str = "MTW00001";
/// Minutes of the demand period.
const PERIOD: u8 = 30;

/// A table: its octets from the first packet on.
pub(super) type Table = Vec<u8>;

impl FlagMeter {
    /// The octets of a table at a true time; nothing where there is none of this identity.
    pub(super) fn table(&self, identity: u16, true_ms: i64) -> Option<Table> {
        let second = true_ms.div_euclid(1000);
        let mut meter = server::lock(&self.meter);
        let milli = milli(meter.settings().premises);
        Some(match identity {
            798 => padded(&meter.settings().serial(), 16),
            795 => padded(SCHEME, 8),
            998 if self.model == Model::As230 => [padded(self.memory.text(), 12), padded("", 12)].concat(),
            998 if self.model == Model::A1140 => padded("A1140 V02.10", 12),
            861 => values::to_clock(local(&meter, true_ms)?)?.to_vec(),
            878 if self.model == Model::A1700 => vec![((PERIOD / 10) << 4) | (PERIOD % 10), 0, 0],
            878 => vec![values::period_code(PERIOD)?, 0, 0],
            506 if self.model == Model::A1140 => {
                let counted = meter.record().counted(second);
                let net = i128::from(counted.import) - i128::from(counted.export);
                let net = net * i128::from(milli);
                let shown = if net < 0 { net + 10_000_000_000_000_000 } else { net };
                values::to_bcd_le::<8>(shown)?.to_vec()
            }
            507 => self.cumulative(&meter.record().counted(second), milli),
            508 => self.time_of_use(&meter.record().counted(second), milli),
            667 => self.sources(),
            601 if self.model == Model::A1700 => [[1, 0], [3, 5], [0, 0]].concat(),
            600 if self.model == Model::A1140 => vec![0x01, 0, 0x14, 0],
            509 => self.cumulative_demands(&mut meter, second, milli),
            510 => self.maximum_demands(&mut meter, second, milli),
            516 if self.model == Model::A1700 => {
                [values::to_bcd_le::<8>(12_345)?, [0; 8], [0; 8], [0; 8]].concat()
            }
            616 => values::to_ratio(current_ratio(meter.settings().premises), self.ratio_form())?,
            614 if self.model == Model::A1700 => values::to_ratio(Ratio::ONE, RatioForm::Bcd(4, 3))?,
            _ => return None,
        })
    }

    const fn ratio_form(&self) -> RatioForm {
        match self.model {
            Model::A1140 => RatioForm::Binary,
            Model::A1700 | Model::As230 => RatioForm::Bcd(4, 2),
        }
    }

    const fn order(&self) -> ByteOrder {
        if matches!(self.model, Model::As230) { ByteOrder::Big } else { ByteOrder::Little }
    }

    /// Codes of active import and active export.
    const fn source(&self, export: bool) -> u8 {
        match self.model {
            Model::A1700 => 1 + export as u8,
            Model::A1140 | Model::As230 => export as u8,
        }
    }

    const fn no_source(&self) -> u8 {
        if matches!(self.model, Model::A1700) { 0 } else { 0xFF }
    }

    fn cumulative(&self, counted: &Energies, milli: u64) -> Table {
        let [q1, q2, q3, q4] = counted.quadrants;
        let apparent = apparent(counted.import, counted.reactive_import());
        let mut all = vec![counted.import, counted.export, q1, q2, q3, q4, apparent];
        match self.model {
            // Customer-defined registers: import; Q1 and Q3; not in use.
            Model::A1700 => all.extend([counted.import, q1 + q3, 0]),
            Model::A1140 => {
                all.extend([0; 7]);
                all.extend([counted.import, q1 + q3]);
            }
            Model::As230 => {
                all.extend([0; 7]);
                all.extend([counted.reactive_import(), counted.reactive_export()]);
            }
        }
        all.into_iter().flat_map(|raw| register(raw, milli)).collect()
    }

    const fn rates(&self) -> usize {
        match self.model {
            Model::A1700 => 32,
            Model::A1140 => 8,
            Model::As230 => 16,
        }
    }

    fn time_of_use(&self, counted: &Energies, milli: u64) -> Table {
        let day = |all: u64, night: u64| all.saturating_sub(night);
        let rates = [
            day(counted.import, counted.import_night),
            counted.import_night,
            day(counted.export, counted.export_night),
            counted.export_night,
        ];
        let all = rates.into_iter().chain(std::iter::repeat(0)).take(self.rates());
        all.flat_map(|raw| register(raw, milli)).collect()
    }

    fn sources(&self) -> Table {
        let (import, export) = (self.source(false), self.source(true));
        let used = [import, import, export, export].into_iter();
        used.chain(std::iter::repeat(self.no_source())).take(self.rates()).collect()
    }

    fn cumulative_demands(&self, meter: &mut VirtualMeter, second: i64, milli: u64) -> Table {
        let periods = meter.record().billing_periods(second);
        let (mut import, mut export) = (0u64, 0u64);
        for period in periods {
            let maxima = meter.record().maxima(period.true_from, period.true_end);
            import += maxima.import.raw.unsigned_abs();
            export += maxima.export.raw.unsigned_abs();
        }
        let count = match self.model {
            Model::A1700 => 8,
            Model::A1140 => 4,
            Model::As230 => 2,
        };
        let used = [(import, self.source(false)), (export, self.source(true))].into_iter();
        let all = used.chain(std::iter::repeat((0, self.no_source()))).take(count);
        all.flat_map(|(raw, source)| register(raw, milli).into_iter().chain([source])).collect()
    }

    fn maximum_demands(&self, meter: &mut VirtualMeter, second: i64, milli: u64) -> Table {
        let start = meter.record().billing_start(second);
        let maxima = meter.record().maxima(start, second);
        let (count, highest) = match self.model {
            Model::A1700 => (8, 3),
            Model::A1140 => (4, 3),
            Model::As230 => (2, 1),
        };
        let clock = meter.clock_of();
        let stamp = |second: i64| clock.stamp(second).map(|stamp: MeterStamp| stamp.local);
        let order = self.order();
        let one = |maximum: Maximum, source: u8| -> Table {
            let time =
                maximum.meter_end.and_then(stamp).map_or([0; 4], |at| values::to_local_time(at, order));
            let figure = i128::from(maximum.raw.max(0)) * i128::from(milli);
            let figure = values::to_bcd_le::<7>(figure).unwrap_or([0x99; 7]);
            let empty = [vec![0; 4], vec![source], vec![0; 7]].concat();
            [[time.to_vec(), vec![source], figure.to_vec()].concat(), empty.repeat(highest - 1)].concat()
        };
        let used = [(maxima.import, self.source(false)), (maxima.export, self.source(true))].into_iter();
        let all = used.chain(std::iter::repeat((Maximum::default(), self.no_source()))).take(count);
        all.flat_map(|(maximum, source)| one(maximum, source)).collect()
    }
}

/// What the meter's clock shows.
fn local(meter: &VirtualMeter, true_ms: i64) -> Option<DateTime> {
    let clock = meter.clock_of();
    clock.stamp(clock.meter_ms(true_ms).div_euclid(1000)).map(|stamp| stamp.local)
}

fn padded(text: &str, length: usize) -> Table {
    text.bytes().chain(std::iter::repeat(b' ')).take(length).collect()
}

/// Milli-units in a raw unit of the record.
const fn milli(premises: Premises) -> u64 {
    match premises.scaler() {
        1 => 10_000,
        0 => 1000,
        _ => 100,
    }
}

fn register(raw: u64, milli: u64) -> [u8; 8] {
    // A register that is full begins again.
    let shown = u128::from(raw) * u128::from(milli) % 10_000_000_000_000_000;
    i128::try_from(shown).ok().and_then(values::to_bcd_le).unwrap_or([0; 8])
}

/// The volt-ampere-hours of two energies, rounded down.
fn apparent(active: u64, reactive: u64) -> u64 {
    let square = |value: u64| u128::from(value) * u128::from(value);
    let sum = square(active) + square(reactive);
    u64::try_from(sum.isqrt()).unwrap_or(u64::MAX)
}

/// The current transformers of premises, as in the record's own objects.
fn current_ratio(premises: Premises) -> Ratio {
    let whole = |number| Decimal::new(number, 0);
    if premises == Premises::Factory { Ratio::new(whole(200), whole(5)) } else { Ratio::ONE }
}
