//! The transformer ratios that a meter holds: numerators and denominators (IEC 62056-61, 1-0:0.4.2, 0.4.3, 0.4.5,
//! 0.4.6; a template may name others), read, and written as a transaction.
//!
//! 1. Who it is, its object list; the ratios that stand there are read and handed over.
//! 2. The new ones are laid out for what the meter has: whole numbers of its own types and scalers. A pair that does
//!    not fit as it stands on the plate is reduced (110000/100 becomes 1100/1); a √3 that does not cancel fits no
//!    meter. What cannot be ends the session here, with nothing written.
//! 3. What is about to be written goes into the audit chain, then all of it is written, in one list where the meter
//!    takes lists: between two writes a meter that applies its ratios itself would count wrongly.
//! 4. Where the meter refuses one part, the parts that it took are put back.
//! 5. Everything is read back and handed over; a difference is a failure of the meter.
//!
//! A line that is cut leaves unknown which parts were taken: the message says so, and the same call again finishes.

use std::collections::{BTreeMap, BTreeSet};

use crate::drivers::{MeterAccess, RatioOrder, ReadSink};
use crate::model::template::RatioObjects;
use crate::model::{Blame, Decimal, Divisor, Fault, Knowledge, MeterRatios, Obis, PlateRatios, Ratio, What};
use crate::protocol::dlms::{AttributeRef, CounterStore, Data, DataAccessResult};
use crate::protocol::link::Link;

use super::objects::class;
use super::registers::scaler_attribute;
use super::session::Session;
use super::values::{number, scaler_unit};
use super::{converse, faults};

/// Reads or writes a meter's own transformer ratios in one session.
///
/// # Errors
/// The meter holds none, cannot hold these, refused, or reads back others; or the session broke off. The message
/// says what stands in the meter then.
pub async fn ratios<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    order: &RatioOrder,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let what = BTreeSet::from([What::Identity, What::Objects]);
    converse(link, access, counter, knowledge, what, sink, async |session: &mut Session<'_, '_, L>| {
        session.run().await?;
        match order {
            RatioOrder::Read => Box::pin(session.read_ratios()).await,
            RatioOrder::Write { ct, vt } => Box::pin(session.write_ratios(*ct, *vt)).await,
        }
    })
    .await
}

/// One number of a ratio as it stands in a meter.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    class_id: u16,
    obis: Obis,
    raw: Data,
    scaler: i8,
}

impl Held {
    fn value(&self) -> Option<Decimal> {
        number(&self.raw)?.scaled(self.scaler)
    }

    fn attribute(&self) -> AttributeRef {
        AttributeRef::new(self.class_id, self.obis, 2)
    }

    /// A value in the type and with the scaler of this object; nothing where it does not fit.
    fn encoded(&self, value: Decimal) -> Option<Data> {
        if let Data::F32(_) = self.raw {
            return value.to_string().parse().ok().map(Data::F32).filter(|data| number(data) == Some(value));
        }
        if let Data::F64(_) = self.raw {
            return value.to_string().parse().ok().map(Data::F64).filter(|data| number(data) == Some(value));
        }
        number_like(&self.raw, value.with_exponent(self.scaler)?.mantissa())
    }
}

/// A number in the type in which the meter gave one; nothing where it does not fit.
pub(super) fn number_like(like: &Data, number: i128) -> Option<Data> {
    Some(match like {
        Data::I8(_) => Data::I8(number.try_into().ok()?),
        Data::I16(_) => Data::I16(number.try_into().ok()?),
        Data::I32(_) => Data::I32(number.try_into().ok()?),
        Data::I64(_) => Data::I64(number.try_into().ok()?),
        Data::U8(_) => Data::U8(number.try_into().ok()?),
        Data::U16(_) => Data::U16(number.try_into().ok()?),
        Data::U32(_) => Data::U32(number.try_into().ok()?),
        Data::U64(_) => Data::U64(number.try_into().ok()?),
        Data::Enum(_) => Data::Enum(number.try_into().ok()?),
        _ => return None,
    })
}

/// What to write, object by object, and the figures that will stand there where they are not the plate's own.
type LaidOut = (Vec<(Held, Data)>, Option<Ratio>);

/// Numerator and denominator of one transformer, each where the meter has it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pair {
    numerator: Option<Held>,
    denominator: Option<Held>,
}

impl Pair {
    /// The ratio that stands there. A meter without a denominator holds the quotient in its numerator.
    fn ratio(&self) -> Option<Ratio> {
        let one = Decimal::new(1, 0);
        let denominator = self.denominator.as_ref().map_or(Some(one), Held::value)?;
        let ratio = Ratio::new(self.numerator.as_ref()?.value()?, denominator);
        ratio.factor().map(|_| ratio)
    }

    /// A ratio as this meter can hold it.
    fn laid_out(&self, what: &str, wanted: Ratio) -> Result<LaidOut, String> {
        let Some(numerator) = &self.numerator else {
            return if wanted.factor().is_some_and(|factor| factor.is_one()) {
                Ok((Vec::new(), None))
            } else {
                Err(format!("the meter holds no {what} ratio"))
            };
        };
        for (position, (primary, secondary)) in figures(wanted)?.into_iter().enumerate() {
            let writes = match &self.denominator {
                Some(denominator) => numerator
                    .encoded(primary)
                    .zip(denominator.encoded(secondary))
                    .map(|(above, below)| vec![(numerator.clone(), above), (denominator.clone(), below)]),
                None if secondary == Decimal::new(1, 0) => {
                    numerator.encoded(primary).map(|above| vec![(numerator.clone(), above)])
                }
                None => None,
            };
            if let Some(writes) = writes {
                return Ok((writes, (position > 0).then(|| Ratio::new(primary, secondary))));
            }
        }
        Err(format!("the meter's {what} ratio cannot hold {wanted}, nor the same in smaller figures"))
    }
}

/// The figures that may stand for a ratio, those of its plate first: primary and secondary.
fn figures(ratio: Ratio) -> Result<Vec<(Decimal, Decimal)>, String> {
    let three = Decimal::new(3, 0);
    let (primary, secondary) = match ratio.divisors {
        [above, below] if above == below => (Some(ratio.primary), Some(ratio.secondary)),
        [Divisor::One, Divisor::Three] => (ratio.primary.checked_mul(three), Some(ratio.secondary)),
        [Divisor::Three, Divisor::One] => (Some(ratio.primary), ratio.secondary.checked_mul(three)),
        _ => return Err(format!("the √3 of {ratio} does not cancel, and no meter holds it")),
    };
    let too_large = || format!("the figures of {ratio} are too large");
    let plate = primary.zip(secondary).ok_or_else(too_large)?;
    let factor = ratio.factor().ok_or_else(too_large)?;
    let (above, below) = factor.terms();
    let whole = |term: u128| i128::try_from(term).map(|term| Decimal::new(term, 0)).map_err(|_| too_large());
    Ok(vec![plate, (whole(above)?, whole(below)?)])
}

/// The ratios as words: `CT 400/5, VT 1/1`.
fn in_words(said: &PlateRatios) -> String {
    let one = |what: &str, ratio: Option<Ratio>| match ratio {
        Some(ratio) => format!("{what} {ratio}"),
        None => format!("no {what}"),
    };
    format!("{}, {}", one("CT", said.ct), one("VT", said.vt))
}

/// Both transformers of a meter.
#[derive(Clone, Debug, Default, PartialEq)]
struct Both {
    ct: Pair,
    vt: Pair,
}

impl Both {
    fn said(&self) -> PlateRatios {
        PlateRatios { ct: self.ct.ratio(), vt: self.vt.ratio() }
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// Reads all four numbers, those that the meter has.
    async fn held_ratios(&mut self) -> Result<Both, Fault> {
        let RatioObjects { ct, vt } = self.template().objects.ratios.clone();
        let names: Vec<Obis> = ct.into_iter().chain(vt).collect();
        let listed = |obis: &Obis| {
            self.knowledge.objects.iter().find(|entry| entry.obis == *obis).map(|entry| entry.class_id)
        };
        let classes: Vec<(u16, Obis)> =
            names.iter().map(|obis| (listed(obis).unwrap_or(class::DATA), *obis)).collect();
        let mut asked = Vec::new();
        for (class_id, obis) in &classes {
            asked.push(AttributeRef::new(*class_id, *obis, 2));
            asked.extend(
                scaler_attribute(*class_id)
                    .and_then(|one| i8::try_from(one).ok())
                    .map(|one| AttributeRef::new(*class_id, *obis, one)),
            );
        }
        let answers = self.ask(asked).await?;
        let mut held: BTreeMap<Obis, Held> = BTreeMap::new();
        for (class_id, obis) in classes {
            match answers.get(class_id, obis, 2) {
                Some(Ok(raw)) => {
                    let scaler = scaler_attribute(class_id)
                        .and_then(|one| answers.data(class_id, obis, one))
                        .and_then(scaler_unit)
                        .map_or(0, |unit| unit.scaler);
                    held.insert(obis, Held { class_id, obis, raw: raw.clone(), scaler });
                }
                Some(Err(result)) if result.0 == faults::TEMPORARY_FAILURE.0 => {
                    return Err(faults::refusal(&format!("a transformer ratio ({obis})"), *result));
                }
                _ => {}
            }
        }
        let mut pair = |names: [Obis; 2]| {
            let [numerator, denominator] = names.map(|obis| held.remove(&obis));
            Pair { numerator, denominator }
        };
        Ok(Both { ct: pair(ct), vt: pair(vt) })
    }

    /// Hands over what the meter holds.
    fn told_ratios(&mut self, both: &Both) -> Result<PlateRatios, Fault> {
        let said = both.said();
        let ratios = MeterRatios { said, read_at: self.now() };
        self.sink.ratios(&ratios)?;
        Ok(said)
    }

    async fn read_ratios(&mut self) -> Result<(), Fault> {
        let both = self.held_ratios().await?;
        if both == Both::default() {
            return Err(Fault::meter(
                "the meter shows no transformer ratios",
                "it may have none, or show them to a client with more rights; the store's own are not touched",
            ));
        }
        let said = self.told_ratios(&both)?;
        self.sink.outcome(format!("The meter holds {}", in_words(&said)));
        Ok(())
    }

    async fn write_ratios(&mut self, ct: Ratio, vt: Ratio) -> Result<(), Fault> {
        let stood = self.held_ratios().await?;
        let said = self.told_ratios(&stood)?;
        let mut writes = Vec::new();
        for (what, pair, wanted) in [("CT", &stood.ct, ct), ("VT", &stood.vt, vt)] {
            let laid_out = pair.laid_out(what, wanted);
            let (all, instead) = laid_out.map_err(|reason| {
                Fault::meter(reason, "nothing was written; apply the ratio in this program")
            })?;
            if let Some(instead) = instead {
                self.sink.remark(format!("{what} {wanted} is written as {instead}, which is the same"));
            }
            writes.extend(all.into_iter().filter(|(held, value)| held.raw != *value));
        }
        let wanted = PlateRatios { ct: Some(ct), vt: Some(vt) };
        if writes.is_empty() {
            self.sink.outcome(format!("The meter held {} already", in_words(&said)));
            return Ok(());
        }
        if let Some((held, _)) = writes.iter().find(|(held, _)| !self.may_write_ratio(held)) {
            return Err(Fault::meter(
                format!("this client may not write the meter's ratios ({})", held.obis.short()),
                "use an association with more rights; nothing was written",
            ));
        }
        let change = format!("transformer ratios: {} instead of {}", in_words(&wanted), in_words(&said));
        self.sink.wrote(&format!("is about to write {change}"))?;
        self.put_ratios(&writes, &said).await?;
        let back = self.held_ratios().await.map_err(unknown)?;
        let back = self.told_ratios(&back)?;
        let is_as_wanted = |wanted: Ratio, back: Option<Ratio>| {
            back.map_or(wanted.factor().is_some_and(|factor| factor.is_one()), |back| {
                back.is_same_factor(&wanted)
            })
        };
        if !is_as_wanted(ct, back.ct) || !is_as_wanted(vt, back.vt) {
            self.sink.wrote(&format!("transformer ratios read back as {}", in_words(&back)))?;
            return Err(Fault::meter(
                format!("{} was written, but {} reads back", in_words(&wanted), in_words(&back)),
                "look at the exchange in the job's trace, and at what the meter shows on its display",
            ));
        }
        self.sink.wrote(&format!("wrote {change}; read back"))?;
        self.sink.outcome(format!("{} written and read back", in_words(&back)));
        Ok(())
    }

    fn may_write_ratio(&self, held: &Held) -> bool {
        let entry =
            self.knowledge.objects.iter().find(|one| (one.class_id, one.obis) == (held.class_id, held.obis));
        entry.is_none_or(|entry| entry.writable(2))
    }

    /// Writes all parts. Where the meter refuses one, those that it took are put back.
    async fn put_ratios(&mut self, writes: &[(Held, Data)], stood: &PlateRatios) -> Result<(), Fault> {
        let all: Vec<_> = writes.iter().map(|(held, value)| (held.attribute(), value.clone())).collect();
        let results = self.association.set_many(&all).await;
        let results =
            results.map_err(|error| unknown(faults::not_done(error, "writing the transformer ratios")))?;
        let is_done = |result: &Result<(), DataAccessResult>| result.is_ok();
        let refused = writes
            .iter()
            .zip(&results)
            .find_map(|((held, _), result)| result.as_ref().err().map(|result| (held.attribute(), *result)));
        let Some((attribute, result)) = refused else { return Ok(()) };
        let taken = writes.iter().zip(&results).filter(|(_, result)| is_done(result));
        let back: Vec<_> = taken.map(|((held, _), _)| (held.attribute(), held.raw.clone())).collect();
        let mut fault = faults::refused_to_do(&format!("writing {attribute}"), result);
        fault.passing = false;
        if back.is_empty() {
            fault.advice = format!("{}; nothing was written", fault.advice);
            return Err(fault);
        }
        let restored = self.association.set_many(&back).await;
        let restored =
            restored.map_err(|error| unknown(faults::not_done(error, "putting the old ratios back")))?;
        if restored.iter().all(is_done) {
            let words = format!("the old ones, {}, were put back", in_words(stood));
            self.sink.wrote(&format!("transformer ratios refused in part; {words}"))?;
            fault.message = format!("{}; {words}", fault.message);
        } else {
            self.sink.wrote("transformer ratios refused in part, and the old ones too")?;
            fault.message = format!("{}; what it had taken it does not let be put back", fault.message);
            "read the ratios to see what stands in the meter".clone_into(&mut fault.advice);
        }
        Err(fault)
    }
}

/// Says that nobody knows what stands in the meter after a failure of the line.
fn unknown(mut fault: Fault) -> Fault {
    if fault.blame == Blame::Line {
        fault.message =
            format!("{}; the meter's ratios may be written, not written, or in part", fault.message);
        fault.advice = format!("{}; write them again, which finds out and finishes", fault.advice);
    }
    fault
}
