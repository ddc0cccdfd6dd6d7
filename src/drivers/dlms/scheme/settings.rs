//! What a scheme says beside its tariff, and COSEM keeps without a passive side: periods, billing dates, the clock's
//! daylight saving, ratios, display lists, the response to a lost clock.

use crate::model::{Decimal, Obis};
use crate::protocol::dlms::tariff::{Row, date_time, rows, script, table};
use crate::protocol::dlms::{CosemDateTime, Data};
use crate::scheme::cosem::{
    daylight_rule, execution_time, is_by_rule, read_daylight_saving, read_execution_time,
};
use crate::scheme::{BillingDate, ClockFailureResponse, Document, Ratio, Source};

use super::super::ratios::number_like;
use super::standing::{At, Standing, class};

/// One attribute to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    /// What it is, for a sentence.
    pub(super) what: String,
    /// Where.
    pub(super) at: At,
    /// What should stand there.
    pub(super) value: Data,
}

/// What a scheme wants of a meter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// Attributes that differ.
    pub(super) writes: Vec<Setting>,
    /// What the meter cannot take, in words.
    pub(super) cannot: Vec<String>,
}

struct Work<'a> {
    document: &'a Document,
    standing: &'a Standing,
    wanted: Wanted,
}

/// What of a scheme differs from what stands in the meter, and what the meter cannot take.
pub(super) fn wanted(document: &Document, standing: &Standing) -> Wanted {
    let mut work = Work { document, standing, wanted: Wanted::default() };
    work.demand();
    work.profiles();
    work.billing();
    work.daylight_saving();
    work.transformers();
    work.display();
    work.clock_failure();
    work.rest();
    work.wanted
}

impl Work<'_> {
    fn cannot(&mut self, text: impl Into<String>) {
        self.wanted.cannot.push(text.into());
    }

    /// Puts an attribute down for writing where it differs; what is not there or may not be written, is told.
    fn set(&mut self, what: &str, at: At, value: Data) {
        match self.standing.value(at) {
            Some(there) if *there == value => {}
            Some(_) if self.standing.may_write(at) => {
                self.wanted.writes.push(Setting { what: what.to_owned(), at, value });
            }
            Some(_) => self.cannot(format!("{what}: this client may not write it ({})", at.1.short())),
            None => self.cannot(format!("{what}: the meter has no object for it ({})", at.1.short())),
        }
    }

    /// The same for a number, in the type that the meter uses.
    fn set_number(&mut self, what: &str, at: At, number: i128) {
        match self.standing.value(at) {
            Some(there) if there.integer() == Some(number) => {}
            Some(there) => match number_like(there, number) {
                Some(value) => self.set(what, at, value),
                None => self
                    .cannot(format!("{what}: {number} does not fit the meter's object ({})", at.1.short())),
            },
            None => self.set(what, at, Data::Null),
        }
    }

    fn demand(&mut self) {
        let demand = &self.document.demand;
        let mut objects: Vec<Obis> = Vec::new();
        for register in &self.document.registers.demand {
            let Some(c) = register.source.obis_c() else { continue };
            let obis = Obis::new(1, 0, c, 4, 0, 255);
            if !objects.contains(&obis) {
                objects.push(obis);
            }
            if register.highest > 1 {
                let (id, highest) = (&register.id, register.highest);
                self.cannot(format!("registers.demand: COSEM keeps one maximum, not the {highest} of {id}"));
            }
        }
        let parts = demand.sub_intervals.max(1);
        for obis in objects {
            let seconds = i128::from(demand.period_minutes) * 60 / i128::from(parts);
            self.set_number("demand.period_minutes", (class::DEMAND, obis, 8), seconds);
            self.set_number("demand.sub_intervals", (class::DEMAND, obis, 9), parts.into());
        }
    }

    fn profiles(&mut self) {
        let profile = &self.document.profile;
        let seconds = i128::from(profile.period_minutes) * 60;
        self.set_number("profile.period_minutes", (class::PROFILE, self.standing.profile, 4), seconds);
        let captured = captured(self.standing);
        let same = |source: &Source| source.obis_c().is_some_and(|c| captured.contains(&c));
        let wanted: Vec<u8> = profile.channels.iter().filter_map(|source| source.obis_c()).collect();
        if !profile.channels.iter().all(same) || !captured.iter().all(|c| wanted.contains(c)) {
            self.cannot(
                "profile.channels: they stay as the meter has them, since changing them would empty its profile",
            );
        }
        let instrumentation = &self.document.instrumentation;
        if !instrumentation.channels.is_empty() {
            let seconds = i128::from(instrumentation.period_minutes) * 60;
            let at = (class::PROFILE, self.standing.instrumentation, 4);
            self.set_number("instrumentation.period_minutes", at, seconds);
            self.cannot("instrumentation.channels: they stay as the meter has them");
        }
    }

    fn billing(&mut self) {
        let billing = &self.document.billing;
        let objects = &self.standing.objects;
        let at = |number: i8| (class::SCHEDULE, objects.billing_schedule, number);
        let times: Vec<([u8; 4], [u8; 5])> = billing.dates.iter().map(|date| execution_time(*date)).collect();
        let same_times =
            times.windows(2).all(|pair| pair.first().map(|one| one.0) == pair.last().map(|one| one.0));
        let wildcards = times.iter().any(|(_, date)| date.iter().take(4).any(|part| *part == 0xFF));
        let kind = match (times.len(), same_times, wildcards) {
            (0 | 1, ..) => 1,
            (_, true, false) => 2,
            (_, true, true) => 3,
            (_, false, false) => 4,
            (_, false, true) => 5,
        };
        if times.is_empty() && self.standing.value(at(4)).is_none() {
            return;
        }
        if times.is_empty()
            && self.standing.value(at(4)).and_then(Data::elements).is_some_and(<[Data]>::is_empty)
        {
            return;
        }
        let ends_period = (objects.billing_script_table, objects.billing_script);
        if self.standing.value(at(2)).and_then(script) != Some(ends_period) {
            let name = Data::Octets(ends_period.0.0.to_vec());
            self.set("billing.dates (script)", at(2), Data::Structure(vec![name, Data::U16(ends_period.1)]));
        }
        let allows = |there: i128| match there {
            1 => times.len() <= 1,
            2 => same_times && !wildcards,
            3 => same_times,
            4 => !wildcards,
            5 => true,
            _ => false,
        };
        if !self.standing.value(at(3)).and_then(Data::integer).is_some_and(allows) {
            let kind = u8::try_from(kind).unwrap_or(1);
            self.set("billing.dates (kind)", at(3), Data::Enum(kind));
        }
        let there = self.standing.value(at(4)).and_then(|data| rows::<([u8; 4], [u8; 5])>(data).ok());
        let dates = |rows: &[([u8; 4], [u8; 5])]| {
            rows.iter().map(|row| read_execution_time(*row)).collect::<Vec<_>>()
        };
        if there.is_none_or(|there| dates(&there) != dates(&times)) {
            self.set("billing.dates", at(4), table(&times));
        }
    }

    fn daylight_saving(&mut self) {
        let clock = self.standing.clock;
        let at = |number: i8| (class::CLOCK, clock, number);
        let Some(dst) = &self.document.dst else {
            if self.standing.value(at(8)).is_some_and(|on| *on != Data::Bool(false)) {
                self.set("clock.dst (off)", at(8), Data::Bool(false));
            }
            return;
        };
        for (what, number, rule) in [("clock.dst.starts", 5, dst.starts), ("clock.dst.ends", 6, dst.ends)] {
            let there = self.standing.value(at(number)).and_then(date_time);
            if there.is_none_or(|there| !is_by_rule(there, rule)) {
                self.set(what, at(number), Data::Octets(daylight_rule(rule).to_vec()));
            }
        }
        self.set_number("clock.dst.shift_hours", at(7), i128::from(dst.shift_hours) * 60);
        self.set("clock.dst (on)", at(8), Data::Bool(true));
    }

    fn transformers(&mut self) {
        let (transformers, ratios) = (&self.document.transformers, &self.standing.ratios);
        for (what, objects, ratio) in
            [("transformers.ct", ratios.ct, transformers.ct), ("transformers.vt", ratios.vt, transformers.vt)]
        {
            let [above, below] = ratio.divisors;
            if above != below {
                self.cannot(format!("{what}: the √3 of {ratio} does not cancel, and no meter holds it"));
                continue;
            }
            for (obis, value) in objects.into_iter().zip([ratio.primary, ratio.secondary]) {
                let at = (class::DATA, obis, 2);
                if ratio == Ratio::ONE && self.standing.value(at).is_none() {
                    continue;
                }
                match value.with_exponent(0) {
                    Some(whole) => self.set_number(what, at, whole.mantissa()),
                    None => self.cannot(format!("{what}: {value} is no whole number ({})", obis.short())),
                }
            }
        }
    }

    fn display(&mut self) {
        let display = &self.document.display;
        let objects = &self.standing.objects;
        let names =
            |list: &[Obis]| Data::Array(list.iter().map(|obis| Data::Octets(obis.0.to_vec())).collect());
        let lists = [
            ("display.auto", objects.display_auto, &display.auto),
            ("display.manual", objects.display_manual, &display.manual),
        ];
        for (what, object, list) in lists {
            match object {
                Some(obis) => self.set(what, (class::DATA, obis, 2), names(list)),
                None if list.is_empty() => {}
                None => self.cannot(format!("{what}: the template names no object for it")),
            }
        }
        if let Some(obis) = objects.display_seconds {
            self.set_number("display.seconds", (class::DATA, obis, 2), display.seconds.into());
        }
    }

    fn clock_failure(&mut self) {
        let response = self.document.clock_failure;
        let number = ClockFailureResponse::ALL.iter().position(|one| *one == response);
        match self.standing.objects.clock_failure {
            Some(obis) => {
                let number = number.and_then(|number| i128::try_from(number).ok()).unwrap_or(0);
                self.set_number("clock_failure.response", (class::DATA, obis, 2), number);
            }
            None => self.cannot(format!(
                "clock_failure.response: the template names no object for it, so that “{response}” is not programmed"
            )),
        }
    }

    /// What COSEM has no object for.
    fn rest(&mut self) {
        let document = self.document;
        if !document.registers.customer_defined.is_empty() {
            self.cannot("registers.customer_defined: COSEM has no object that adds up sources");
        }
        if !document.outputs.is_empty() {
            self.cannot("outputs: COSEM has no object for what they do");
        }
        if document.billing.on_season_change {
            self.cannot(
                "billing.on_season_change: whether a season ends a billing period is the meter's own",
            );
        }
        if document.billing.manual_lockout_minutes > 0 {
            self.cannot("billing.manual_lockout_minutes: COSEM has no object for it");
        }
    }
}

/// Groups C of the energies and demands that the load profile captures.
fn captured(standing: &Standing) -> Vec<u8> {
    let objects = standing.value((class::PROFILE, standing.profile, 3)).and_then(Data::elements);
    let names = objects.unwrap_or_default().iter().filter_map(|one| one.elements()?.get(1)?.obis());
    names.filter(|obis| obis.a() == 1 && matches!(obis.d(), 4..=6 | 8 | 9 | 29)).map(Obis::c).collect()
}

/// What a meter does not say, or says as no scheme can.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notes {
    /// In words.
    pub(super) words: Vec<String>,
    /// The meter says something that no scheme can: the document is not all that stands there.
    pub(super) is_unclear: bool,
}

impl Notes {
    fn push(&mut self, text: impl Into<String>) {
        self.words.push(text.into());
    }

    fn unclear(&mut self, text: impl Into<String>) {
        self.is_unclear = true;
        self.push(text);
    }
}

/// Puts what the meter says into a document.
pub(super) fn read(mut document: Document, standing: &Standing) -> (Document, Notes) {
    let mut notes = Notes::default();
    let number = |at: At| standing.value(at).and_then(Data::integer).and_then(|one| u32::try_from(one).ok());
    let minutes = |seconds: u32| (seconds > 0 && seconds.is_multiple_of(60)).then_some(seconds / 60);

    let first = document.registers.demand.iter().find_map(|one| one.source.obis_c());
    let demand = Obis::new(1, 0, first.unwrap_or(1), 4, 0, 255);
    let demand_at = |attribute| (class::DEMAND, demand, attribute);
    match (number(demand_at(8)), number(demand_at(9)).filter(|parts| *parts > 0)) {
        (Some(seconds), Some(parts)) if minutes(seconds.saturating_mul(parts)).is_some() => {
            document.demand.period_minutes = minutes(seconds.saturating_mul(parts)).unwrap_or(30);
            document.demand.sub_intervals = parts;
        }
        _ if document.registers.demand.is_empty() => {}
        _ => notes.push("demand: the meter does not tell its period".to_owned()),
    }
    match number((class::PROFILE, standing.profile, 4)).and_then(minutes) {
        Some(period) => {
            document.profile.period_minutes = period;
            let of_c = |c: u8| Source::measured().find(|source| source.obis_c() == Some(c));
            let mut channels: Vec<Source> = Vec::new();
            for source in captured(standing).into_iter().filter_map(of_c) {
                if !channels.contains(&source) {
                    channels.push(source);
                }
            }
            let named = &document.profile.channels;
            let is_same = named.len() == channels.len() && named.iter().all(|one| channels.contains(one));
            if !is_same {
                document.profile.channels = channels;
            }
        }
        None if standing.value((class::PROFILE, standing.profile, 4)).is_some() => {
            notes.unclear("profile: the meter's period is none in minutes");
        }
        None => notes.push("profile: the meter does not tell its period"),
    }
    read_billing(&mut document, standing, &mut notes);
    read_clock(&mut document, standing, &mut notes);
    let ratios = &standing.ratios;
    for (what, objects, ratio) in
        [("ct", ratios.ct, &mut document.transformers.ct), ("vt", ratios.vt, &mut document.transformers.vt)]
    {
        let side = |obis: Obis| number((class::DATA, obis, 2)).map(|one| Decimal::new(one.into(), 0));
        match objects.map(side) {
            [Some(primary), Some(secondary)] => *ratio = Ratio::new(primary, secondary),
            _ => notes.push(format!("transformers.{what}: the meter does not tell it")),
        }
    }
    read_named(&mut document, standing, &mut notes);
    (document, notes)
}

fn read_billing(document: &mut Document, standing: &Standing, notes: &mut Notes) {
    let times = standing.value((class::SCHEDULE, standing.objects.billing_schedule, 4));
    let Some(Ok(times)) = times.map(rows::<([u8; 4], [u8; 5])>) else {
        notes.push("billing.dates: the meter does not tell them".to_owned());
        return;
    };
    let dates: Vec<Option<BillingDate>> = times.into_iter().map(read_execution_time).collect();
    if dates.contains(&None) {
        notes.unclear("billing.dates: one of the meter's is none that a scheme can have".to_owned());
    }
    document.billing.dates = dates.into_iter().flatten().collect();
}

fn read_clock(document: &mut Document, standing: &Standing, notes: &mut Notes) {
    let value = |number: i8| standing.value((class::CLOCK, standing.clock, number));
    let (begin, end) = (value(5).and_then(date_time), value(6).and_then(date_time));
    match (value(8), begin, end, value(7).and_then(Data::integer)) {
        (Some(Data::Bool(false)), ..) => document.dst = None,
        (Some(_), Some(begin), Some(end), Some(minutes)) => {
            let told = document.dst.as_ref().filter(|dst| {
                is_by_rule(begin, dst.starts)
                    && is_by_rule(end, dst.ends)
                    && minutes == i128::from(dst.shift_hours) * 60
            });
            if told.is_some() {
                return;
            }
            document.dst = read_daylight_saving(begin, end, minutes);
            if document.dst.is_none() {
                notes.unclear(
                    "clock.dst: the meter names dates of one year, or a rule that a scheme cannot say"
                        .to_owned(),
                );
            }
        }
        _ => notes.push("clock.dst: the meter does not tell it".to_owned()),
    }
}

/// What has an object in the template alone.
fn read_named(document: &mut Document, standing: &Standing, notes: &mut Notes) {
    let objects = &standing.objects;
    let value = |obis: Option<Obis>| standing.value((class::DATA, obis?, 2));
    let list = |data: &Data| data.elements()?.iter().map(Data::obis).collect::<Option<Vec<Obis>>>();
    match (value(objects.display_auto).and_then(list), value(objects.display_manual).and_then(list)) {
        (Some(auto), Some(manual)) => {
            document.display.auto = auto;
            document.display.manual = manual;
        }
        _ => notes.push("display: the meter does not tell its lists".to_owned()),
    }
    let seconds =
        value(objects.display_seconds).and_then(Data::integer).and_then(|one| u32::try_from(one).ok());
    document.display.seconds = seconds.unwrap_or(document.display.seconds);
    let response =
        value(objects.clock_failure).and_then(Data::integer).and_then(|one| usize::try_from(one).ok());
    match response.and_then(|response| ClockFailureResponse::ALL.get(response)) {
        Some(response) => document.clock_failure = *response,
        None => notes.push("clock_failure: the meter does not tell its response".to_owned()),
    }
}

/// Whether what was read back is what was written; dates and times may come as themselves or as octets.
pub(super) fn is_same(wrote: &Data, read: &Data) -> bool {
    let plain = |data: &Data| match data {
        Data::DateTime(CosemDateTime(bytes)) => Data::Octets(bytes.to_vec()),
        other => other.clone(),
    };
    if let (Ok(wrote), Ok(read)) = (rows::<([u8; 4], [u8; 5])>(wrote), rows::<([u8; 4], [u8; 5])>(read)) {
        return wrote == read;
    }
    plain(wrote).to_bytes() == plain(read).to_bytes()
}

/// A row type that is read back.
pub(super) fn is_same_table<R: Row + PartialEq>(wrote: &[R], read: Option<&Data>) -> bool {
    read.and_then(|data| rows::<R>(data).ok()).is_some_and(|read| read == wrote)
}
