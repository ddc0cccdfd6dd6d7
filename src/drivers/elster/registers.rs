//! Registers: which tables hold them, and what is in them (sections 4 to 6).
//!
//! # Codes
//!
//! Group E of a time-of-use register is its place among those of its source, from 1: the rate. A maximum demand bears its
//! rank in group B (1 is the highest) and its place among those of its source, from 0, in group E. What a register counts
//! is told by the meter, so that codes change when the meter is programmed otherwise; its name has its number in the
//! meter too.

use std::collections::BTreeMap;

use crate::model::template::{FlagContent, FlagRegister, FlagSumForm, FlagTable};
use crate::model::{
    ClockRule, Decimal, Fault, MeterStamp, Obis, ReadingValue, RegisterReading, Side, Template, Unit,
    plain_name,
};
use crate::protocol::elster_flag::FlagLine;
use crate::protocol::elster_flag::values::{self, ByteOrder, MaximumDemand};
use jiff::Timestamp;

use super::clock::stamp;
use super::session::Session;

/// Octets of a register, of a cumulative demand, of a maximum demand.
const REGISTER: u16 = 8;
const CUMULATIVE: u16 = 9;
const MAXIMUM: u16 = 12;
/// Source codes for "none": A1700, and the others.
const NO_SOURCE: [u8; 2] = [0x00, 0xFF];

/// Makes readings of figures.
struct Maker<'a> {
    template: &'a Template,
    rule: &'a ClockRule,
    side: Side,
    read_at: Timestamp,
    made: Vec<RegisterReading>,
}

/// How many registers of each source have come.
type Counts = BTreeMap<u8, u8>;

fn next(counts: &mut Counts, source: u8) -> u8 {
    let count = counts.entry(source).or_default();
    let before = *count;
    *count = count.saturating_add(1);
    before
}

impl Maker<'_> {
    fn name(&self, obis: Obis) -> String {
        // The rank of a maximum demand in group B is no channel.
        let plain = Obis::new(obis.a(), 0, obis.c(), obis.d(), obis.e(), obis.f());
        self.template.objects.names.get(&obis).cloned().unwrap_or_else(|| plain_name(plain))
    }

    fn push(&mut self, obis: Obis, note: &str, value: ReadingValue, unit: Unit, stamp: Option<MeterStamp>) {
        let at = |stamp: MeterStamp| Some((stamp, self.rule.to_utc(&stamp, None).ok()?));
        self.made.push(RegisterReading {
            obis,
            attribute: 2,
            name: format!("{}{note}", self.name(obis)),
            value,
            unit,
            side: self.side,
            read_at: self.read_at,
            stamp: stamp.and_then(at),
        });
    }

    /// What a source code stands for: group C and the unit of its energy. Nothing where it is unused or not known.
    fn source(&self, code: u8) -> Option<(u8, Unit)> {
        self.template.flag.sources.get(&code).map(|source| (source.c, source.unit))
    }

    /// A register's figure: nothing where its digits are none, which is told as absent.
    fn figure(value: Option<Decimal>, unit: Unit) -> ReadingValue {
        match value {
            None => ReadingValue::Absent,
            // A count has no milli-units.
            Some(value) if unit == Unit::NONE => ReadingValue::Number(Decimal::new(value.mantissa(), 0)),
            Some(value) => ReadingValue::Number(value),
        }
    }

    fn named(&mut self, table: &[u8], registers: &[FlagRegister], sums: &[Option<Unit>]) {
        for register in registers {
            let at = usize::from(register.at);
            let Some(octets) = table.get(at..at + usize::from(REGISTER)) else { continue };
            let unit = match (register.unit, register.customer) {
                (Some(unit), _) => unit,
                (None, Some(number)) => {
                    // A customer-defined register without sources is not in use.
                    let sum = sums.get(usize::from(number).saturating_sub(1)).copied().flatten();
                    let Some(unit) = sum else { continue };
                    unit
                }
                (None, None) => Unit::NONE,
            };
            let value =
                if register.signed { values::signed_register(octets) } else { values::register(octets) };
            self.push(register.obis, "", Self::figure(value, unit), unit, None);
        }
    }

    fn tou(&mut self, table: &[u8], sources: &[u8]) {
        let mut counts = Counts::new();
        for ((number, octets), code) in (1u16..).zip(table.chunks_exact(REGISTER.into())).zip(sources) {
            let Some((c, unit)) = self.source(*code) else { continue };
            let rate = next(&mut counts, *code).saturating_add(1);
            let value = Self::figure(values::register(octets), unit);
            self.push(Obis::new(1, 0, c, 8, rate, 255), &format!(" (register {number})"), value, unit, None);
        }
    }

    fn cumulative(&mut self, table: &[u8]) {
        let mut counts = Counts::new();
        for (number, octets) in (1u16..).zip(table.chunks_exact(CUMULATIVE.into())) {
            let Some((value, code)) = values::cumulative_demand(octets) else { continue };
            let Some((c, unit)) = self.source(code) else { continue };
            let place = next(&mut counts, code);
            let unit = unit.power_of_energy().unwrap_or(unit);
            let value = Self::figure(Some(value), unit);
            self.push(Obis::new(1, 0, c, 2, place, 255), &format!(" (register {number})"), value, unit, None);
        }
    }

    fn maximum(&mut self, table: &[u8], highest: u16, order: ByteOrder) {
        let mut counts = Counts::new();
        let of_register = usize::from(MAXIMUM * highest.max(1));
        for (number, octets) in (1u16..).zip(table.chunks_exact(of_register)) {
            let kept: Vec<Option<MaximumDemand>> =
                octets.chunks_exact(MAXIMUM.into()).map(|one| values::maximum_demand(one, order)).collect();
            let Some(code) =
                kept.iter().flatten().map(|one| one.source).find(|code| self.source(*code).is_some())
            else {
                continue;
            };
            let Some((c, unit)) = self.source(code) else { continue };
            let place = next(&mut counts, code);
            let unit = unit.power_of_energy().unwrap_or(unit);
            for (rank, one) in (1u8..).zip(&kept) {
                // A rank that never happened has no time.
                let Some((one, at)) = one.as_ref().and_then(|one| Some((one, one.at?))) else { continue };
                let obis = Obis::new(1, rank, c, 6, place, 255);
                let note = format!(", highest {rank} (register {number})");
                self.push(obis, &note, Self::figure(Some(one.value), unit), unit, Some(stamp(at)));
            }
        }
    }
}

/// The unit of a sum of sources: that of all of them, a plain number where they differ, nothing where there are none.
fn unit_of_sum(units: &[Unit]) -> Option<Unit> {
    let (first, rest) = units.split_first()?;
    Some(if rest.iter().all(|unit| unit == first) { *first } else { Unit::NONE })
}

impl<L: FlagLine> Session<'_, L> {
    /// Reads all registers that the template names and hands them over, table by table.
    pub(super) async fn read_registers(&mut self) -> Result<(), Fault> {
        let sums = self.sums().await?;
        let mut missing = Vec::new();
        let mut given = 0;
        for table in &self.flag().tables {
            let Some(readings) = self.read_register_table(table, &sums).await? else {
                missing.push(table.id.to_string());
                continue;
            };
            given += readings.len();
            self.sink.registers(&readings, false)?;
        }
        if !missing.is_empty() {
            self.sink.remark(format!("the meter has no table {}", missing.join(", ")));
        }
        if given == 0 {
            self.sink.partial(Fault::meter(
                "the meter gave no register",
                "another template may suit this model; look at the job's trace",
            ));
        }
        Ok(())
    }

    async fn read_register_table(
        &mut self,
        table: &FlagTable,
        sums: &[Option<Unit>],
    ) -> Result<Option<Vec<RegisterReading>>, Fault> {
        let count = if table.count == 0 { self.layout().map_or(0, |layout| layout.tou) } else { table.count };
        let bytes = match table.holds {
            FlagContent::Registers => table.bytes,
            FlagContent::Tou => count.saturating_mul(REGISTER),
            FlagContent::CumulativeDemand => count.saturating_mul(CUMULATIVE),
            FlagContent::MaximumDemand => count.saturating_mul(MAXIMUM).saturating_mul(table.highest),
        };
        let sources = match (table.holds, table.sources) {
            (FlagContent::Tou, Some(id)) => match self.read_table(id, count).await? {
                Some(sources) => sources,
                None => return Ok(None),
            },
            _ => Vec::new(),
        };
        // A register without a source counts nothing: the table ends with the last that has one.
        let used = sources.iter().rposition(|code| !NO_SOURCE.contains(code) || self.is_source(*code));
        let bytes = match table.holds {
            FlagContent::Tou => u16::try_from(used.map_or(0, |last| last + 1)).unwrap_or(count) * REGISTER,
            _ => bytes,
        };
        let Some(octets) = self.read_table(table.id, bytes).await? else { return Ok(None) };
        let mut maker = Maker {
            template: &self.access.template,
            rule: &self.rule,
            side: self.access.config.registers_in,
            read_at: self.now(),
            made: Vec::new(),
        };
        let order = if table.big_endian { ByteOrder::Big } else { ByteOrder::Little };
        match table.holds {
            FlagContent::Registers => maker.named(&octets, &table.registers, sums),
            FlagContent::Tou => maker.tou(&octets, &sources),
            FlagContent::CumulativeDemand => maker.cumulative(&octets),
            FlagContent::MaximumDemand => maker.maximum(&octets, table.highest, order),
        }
        Ok(Some(maker.made))
    }

    fn is_source(&self, code: u8) -> bool {
        self.flag().sources.contains_key(&code)
    }

    /// The units of the customer-defined registers; nothing for those that are not in use.
    async fn sums(&mut self) -> Result<Vec<Option<Unit>>, Fault> {
        let Some(sums) = self.flag().customer_defined else { return Ok(Vec::new()) };
        let of_each = self.layout().map_or(2, |layout| layout.sums);
        let (registers, width) = match sums.form {
            FlagSumForm::Codes => (3, of_each),
            FlagSumForm::Bits => (2, 2),
        };
        let Some(octets) = self.read_table(sums.id, registers * width).await? else { return Ok(Vec::new()) };
        let unit = |code: u8| self.flag().sources.get(&code).map(|source| source.unit);
        let units = |part: &[u8]| -> Vec<Unit> {
            match sums.form {
                FlagSumForm::Codes => part.iter().filter_map(|code| unit(*code)).collect(),
                // Sources 0 to 7; which of the two octets holds them is not told, and the other is nought.
                FlagSumForm::Bits => {
                    let bits = part.iter().fold(0, |bits, octet| bits | octet);
                    (0..8).filter(|bit| bits >> bit & 1 == 1).filter_map(unit).collect()
                }
            }
        };
        Ok(octets.chunks_exact(width.into()).map(|part| unit_of_sum(&units(part))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str, work: impl FnOnce(&mut Maker<'_>)) -> Vec<RegisterReading> {
        let template = Template::named(template).unwrap();
        let rule = ClockRule::standard(jiff::tz::TimeZone::UTC);
        let mut maker = Maker {
            template: &template,
            rule: &rule,
            side: Side::Secondary,
            read_at: Timestamp::UNIX_EPOCH,
            made: Vec::new(),
        };
        work(&mut maker);
        maker.made
    }

    #[test]
    fn time_of_use_registers_are_rates_of_their_sources() {
        let table: Vec<u8> =
            (1..=4).flat_map(|kwh| values::to_bcd_le::<8>(kwh * 1_000_000).unwrap()).collect();
        let got = made("elster-a1700", |maker| maker.tou(&table, &[1, 1, 0, 3]));
        let shown: Vec<(String, String, String)> =
            got.iter().map(|one| (one.obis.short(), one.value.text().unwrap(), one.unit.symbol())).collect();
        let of = |obis: &str, value: &str, unit: &str| (obis.to_owned(), value.to_owned(), unit.to_owned());
        let (first, second) = (of("1-0:1.8.1", "1000.000", "Wh"), of("1-0:1.8.2", "2000.000", "Wh"));
        assert_eq!(shown, [first, second, of("1-0:5.8.1", "4000.000", "varh")]);
        assert_eq!(got[1].name, "Active import energy, rate 2 (register 2)");
    }

    #[test]
    fn a_customer_defined_register_counts_in_the_unit_of_its_sources() {
        assert_eq!(unit_of_sum(&[]), None);
        assert_eq!(unit_of_sum(&[Unit::WH, Unit::WH]), Some(Unit::WH));
        assert_eq!(unit_of_sum(&[Unit::WH, Unit::VARH]), Some(Unit::NONE));
        let table = values::to_bcd_le::<8>(1234).unwrap();
        let register = |customer| FlagRegister {
            at: 0,
            obis: "1-0:128.8.0".parse().unwrap(),
            unit: None,
            customer: Some(customer),
            signed: false,
        };
        let got = made("elster-a1700", |maker| {
            maker.named(
                &table,
                &[register(1), register(2), register(3)],
                &[Some(Unit::NONE), None, Some(Unit::WH)],
            );
        });
        let shown: Vec<String> = got.iter().map(|one| one.value.text().unwrap()).collect();
        assert_eq!(shown, ["1234", "1.234"]);
        assert_eq!(got[0].name, "Customer-defined register 1");
    }

    #[test]
    fn a_maximum_demand_that_never_happened_is_no_reading() {
        let at = jiff::civil::datetime(2026, 11, 3, 18, 0, 0, 0);
        let one = |at: [u8; 4], source, watts: i128| {
            [at.to_vec(), vec![source], values::to_bcd_le::<7>(watts * 1000).unwrap().to_vec()].concat()
        };
        let stamp = values::to_local_time(at, ByteOrder::Little);
        let table = [one(stamp, 1, 4250), one(stamp, 1, 4000), one([0; 4], 1, 0)].concat();
        let got = made("elster-a1700", |maker| maker.maximum(&table, 3, ByteOrder::Little));
        assert_eq!(got.len(), 2);
        assert_eq!((got[0].obis.to_string().as_str(), got[0].unit), ("1-1:1.6.0*255", Unit::W));
        assert_eq!(got[0].stamp.unwrap().1.to_string(), "2026-11-03T18:00:00Z");
        assert_eq!(got[1].name, "Active import, maximum demand, highest 2 (register 1)");
    }
}
