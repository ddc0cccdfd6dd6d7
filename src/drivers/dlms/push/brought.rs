//! What a push brings into the store: registers, and the rows of profiles and logs.

use jiff::Timestamp;

use crate::drivers::MeterAccess;
use crate::model::{
    BillingSet, Fault, Knowledge, MeterEvent, MeterStamp, Obis, ProfileColumns, ProfileLayout, ProfileRow,
    ReadingValue, RegisterReading, ScalerUnit, Unit,
};
use crate::protocol::dlms::Data;

use super::super::learn::PROFILES;
use super::super::objects::{class, of_kind};
use super::super::profile::made::of_buffer;
use super::super::registers::Maker;
use super::super::{clock, registers, values};
use super::{CLOCK, DEVICE, Push, PushedValue};

/// Rows of one profile.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Of a load or instrumentation profile.
    Intervals(ProfileLayout, Vec<ProfileRow>),
    /// Of a log.
    Events(Obis, Vec<MeterEvent>),
    /// Of a billing profile.
    Billing(Vec<BillingSet>),
}

/// What is to be stored of a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brought {
    /// Registers.
    pub readings: Vec<RegisterReading>,
    /// Rows.
    pub rows: Vec<Rows>,
    /// Values left out because nobody told their scalers.
    pub without_scaler: usize,
    /// What else was left out, each with its reason.
    pub left_out: Vec<String>,
}

/// Makes readings of a push in a meter's name; what cannot be read without a doubt is left out and told.
///
/// # Errors
/// The meter's settings name a zone that does not exist.
pub fn brought(
    push: &Push,
    access: &MeterAccess,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Result<Brought, Fault> {
    let rule = clock::rule(&access.config, &access.template)?;
    let rule = if knowledge.sign_looks_inverted { clock::with_other_sign(&rule) } else { rule };
    let maker = Maker {
        knowledge,
        template: &access.template,
        rule: &rule,
        side: access.config.registers_in,
        read_at: now,
    };
    let made_at = push.stamp.and_then(|stamp| Some((stamp, rule.to_utc(&stamp, None).ok()?)));
    let mut out = Brought::default();
    for one in &push.values {
        // The clock and the name are about the message.
        if one.obis == CLOCK || DEVICE.contains(&one.obis) || is_capture_time(one) {
            continue;
        }
        if is_table(one, knowledge) {
            table(one, &maker, &mut out);
            continue;
        }
        let captured = push.values.iter().find(|time| time.obis == one.obis && is_capture_time(time));
        let stamp = captured.and_then(|time| maker.stamp(&time.value)).or(made_at);
        register(one, stamp, &maker, &mut out);
    }
    Ok(out)
}

/// The capture time of a maximum stamps the maximum.
fn is_capture_time(one: &PushedValue) -> bool {
    matches!((one.class_id, one.attribute), (Some(class::EXTENDED), 5) | (Some(class::DEMAND), 6))
}

fn is_table(one: &PushedValue, knowledge: &Knowledge) -> bool {
    let is_profile = one.class_id == Some(class::PROFILE) || knowledge.profiles.contains_key(&one.obis);
    is_profile && one.attribute == 2 && (one.value.elements().is_some() || one.value == Data::Null)
}

fn register(one: &PushedValue, stamp: Option<(MeterStamp, Timestamp)>, maker: &Maker<'_>, out: &mut Brought) {
    let replaced = maker.template.objects.scalers.get(&one.obis).copied();
    let scaler = replaced.or(one.scaler).or_else(|| maker.knowledge.scalers.get(&one.obis).copied());
    // Data objects and statuses count in ones; a number of unknown class may be a register's.
    let counts = matches!(one.class_id, Some(class::DATA))
        || matches!((one.class_id, one.attribute), (Some(class::EXTENDED), 4) | (Some(class::DEMAND), 5));
    if values::number(&one.value).is_some() && scaler.is_none() && !counts {
        out.without_scaler += 1;
        return;
    }
    let scaler = scaler.filter(|_| !counts).unwrap_or(ScalerUnit { scaler: 0, unit: Unit(255) });
    let value = values::reading_value(&one.value, scaler.scaler);
    if value == ReadingValue::Absent {
        return;
    }
    out.readings.push(RegisterReading {
        obis: one.obis,
        attribute: one.attribute,
        name: registers::name(maker.template, one.obis),
        unit: values::unit_of(&value, scaler.unit),
        value,
        side: maker.side,
        read_at: maker.read_at,
        stamp,
    });
}

fn table(one: &PushedValue, maker: &Maker<'_>, out: &mut Brought) {
    let what = PROFILES.into_iter().find(|what| {
        of_kind(*what, maker.knowledge, maker.template).iter().any(|(_, obis)| *obis == one.obis)
    });
    let (Some(what), Some(columns)) = (what, maker.knowledge.profiles.get(&one.obis)) else {
        out.left_out.push(format!(
            "rows of the profile {}: its columns are not known, read it from the meter once",
            one.obis
        ));
        return;
    };
    let mut buffer = Vec::new();
    whole(&one.value, columns).encode(&mut buffer);
    let made = of_buffer(what, columns, &buffer, maker);
    if let Some(reason) = made.lost.first() {
        out.left_out.push(format!("{} rows of the profile {}: {reason}", made.lost.len(), one.obis));
    }
    if made.columns_changed {
        out.left_out.push(format!(
            "rows of the profile {}: they have other fields than it captured when it was read",
            one.obis
        ));
    }
    out.left_out.extend(made.unreadable.into_iter().map(|one| one.words));
    out.rows.extend(made.rows);
}

/// Some meters push the last row alone, not in an array.
fn whole(value: &Data, columns: &ProfileColumns) -> Data {
    match value {
        Data::Structure(fields)
            if fields.len() == columns.columns.len() && fields.iter().all(|one| one.elements().is_none()) =>
        {
            Data::Array(vec![value.clone()])
        }
        other => other.clone(),
    }
}
