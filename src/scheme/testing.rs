//! Random schemes for property tests.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::document::{
    Billing, BillingDate, ClockFailureResponse, Colour, CustomerDefined, DatePattern, DayType,
    DaylightSaving, DemandPeriod, DemandRegister, Display, Document, DstRule, EnergyRegister,
    Instrumentation, InstrumentationChannel, Keep, Latent, LoadProfile, Measurand, MonthDay, Output,
    OutputFunction, Phase, Ratio, Registers, Season, SeasonStart, Source, SpecialDay, Switch, SwitchTime,
    Tariff, Transformers, Week, WeekOfMonth,
};
use crate::model::{Decimal, Obis, Side};

/// Zones with and without daylight saving, of half an hour, south of the equator, across the date line.
pub(super) fn zone_name() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Europe/London",
        "America/New_York",
        "Australia/Sydney",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "UTC",
        "America/Sao_Paulo",
        "Africa/Casablanca",
        "Europe/Dublin",
        "Pacific/Apia",
    ])
}

/// Two import registers, one of reactive energy, and so on: two registers for each source.
fn sources() -> impl Strategy<Value = Vec<Source>> {
    vec(
        select(vec![
            Source::ActiveImport,
            Source::ActiveExport,
            Source::ReactiveQ1,
            Source::CustomerDefined(1),
            Source::Input(2),
        ]),
        1..=3,
    )
    .prop_map(|sources| sources.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
}

fn month_day() -> impl Strategy<Value = MonthDay> {
    (1i8..=12, 1i8..=28).prop_map(|(month, day)| MonthDay::new(month, day).unwrap())
}

/// A date from 2025 to 2027.
pub(super) fn near_date() -> impl Strategy<Value = Date> {
    (2025i16..=2027, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn pattern() -> impl Strategy<Value = DatePattern> {
    prop_oneof![
        4 => near_date().prop_map(|date| DatePattern::dated(date).unwrap()),
        3 => month_day().prop_map(|day| DatePattern::new(None, Some(day.month()), Some(day.day())).unwrap()),
        1 => (1i8..=31).prop_map(|day| DatePattern::new(None, None, Some(day)).unwrap()),
        1 => (2025i16..=2027, 1i8..=31).prop_map(|(year, day)| DatePattern::new(Some(year), None, Some(day)).unwrap()),
    ]
}

/// For each source, one of its two energy registers is on at each switch, and perhaps the demand register.
fn day_type(index: usize, sources: &[Source]) -> impl Strategy<Value = DayType> + use<> {
    let count = sources.len();
    btree_set(prop_oneof![3 => (0u16..48).prop_map(|half| half * 30), 1 => 0u16..1440], 0..6).prop_flat_map(
        move |times| {
            let times: BTreeSet<u16> = times.into_iter().chain([0]).collect();
            let on = vec((vec(any::<bool>(), count), any::<bool>()), times.len());
            on.prop_map(move |sets| {
                let switches = times
                    .iter()
                    .zip(sets)
                    .map(|(minutes, (second, demand))| {
                        let energy = second
                            .iter()
                            .enumerate()
                            .map(|(source, second)| format!("R{}", 2 * source + 1 + usize::from(*second)));
                        let on = energy.chain(demand.then(|| "M1".to_owned())).collect();
                        Switch { at: SwitchTime::from_minutes(*minutes).unwrap(), on }
                    })
                    .collect();
                DayType { id: format!("D{index}"), title: String::new(), switches }
            })
        },
    )
}

fn tariff(sources: &[Source]) -> impl Strategy<Value = Tariff> + use<> {
    let days: Vec<_> = (1..=4).map(|index| day_type(index, sources)).collect();
    let id = || (1usize..=4).prop_map(|index| format!("D{index}"));
    let weeks = vec(vec(id(), 7), 3);
    let yearly = btree_set(month_day(), 1..4);
    let once = btree_set(near_date(), 0..3);
    let specials = vec((pattern(), id()), 0..6);
    (days, weeks, yearly, once, vec(1usize..=3, 8), specials).prop_map(
        |(day_types, weeks, yearly, once, week_of, specials)| {
            let weeks = weeks
                .into_iter()
                .enumerate()
                .map(|(index, days)| Week { id: format!("W{}", index + 1), days: days.try_into().unwrap() });
            let clashes =
                |date: &Date| yearly.iter().any(|day| (day.month(), day.day()) == (date.month(), date.day()));
            let starts: Vec<SeasonStart> = yearly
                .iter()
                .map(|day| SeasonStart::Yearly(*day))
                .chain(once.iter().filter(|date| !clashes(date)).map(|date| SeasonStart::Once(*date)))
                .collect();
            let seasons = starts.into_iter().zip(week_of).enumerate().map(|(index, (starts, week))| Season {
                id: format!("S{}", index + 1),
                title: String::new(),
                starts,
                week: format!("W{week}"),
            });
            let mut special_days: Vec<SpecialDay> = Vec::new();
            for (date, day_type) in specials {
                if special_days.iter().all(|other| other.date.common(date).is_none()) {
                    special_days.push(SpecialDay { date, day_type });
                }
            }
            Tariff { day_types, weeks: weeks.collect(), seasons: seasons.collect(), special_days }
        },
    )
}

fn registers(sources: &[Source], highest: u32) -> Registers {
    let energy = sources.iter().flat_map(|source| [*source; 2]).enumerate();
    Registers {
        energy: energy
            .map(|(index, source)| EnergyRegister {
                id: format!("R{}", index + 1),
                title: format!("Register {}", index + 1),
                source,
                obis: Obis::new(1, 0, 1, 8, u8::try_from(index + 1).unwrap(), 255),
                colour: Colour([0, 114, 178]),
            })
            .collect(),
        demand: vec![DemandRegister {
            id: "M1".to_owned(),
            title: "Peak".to_owned(),
            source: sources[0],
            obis: Obis::new(1, 0, 1, 6, 1, 255),
            highest,
        }],
        customer_defined: vec![CustomerDefined {
            id: "C1".to_owned(),
            title: "Both ways".to_owned(),
            sources: vec![Source::ActiveImport, Source::ActiveExport],
        }],
    }
}

fn billing() -> impl Strategy<Value = Billing> {
    let date = (pattern(), 0i8..24, prop_oneof![Just(0i8), 0i8..60])
        .prop_map(|(date, hour, minute)| BillingDate { date, time: Time::new(hour, minute, 0, 0).unwrap() });
    (vec(date, 0..3), any::<(bool, bool, bool)>(), 0u32..100).prop_map(|(dates, flags, lockout)| Billing {
        dates,
        on_season_change: flags.0,
        on_tariff_change: flags.1,
        manual_lockout_minutes: lockout,
        button: flags.2,
    })
}

/// A scheme without errors.
pub(super) fn document() -> impl Strategy<Value = Document> {
    let latent = |sources: &[Source]| {
        proptest::option::weighted(0.4, (near_date(), 0i8..24, tariff(sources))).prop_map(|latent| {
            latent.map(|(date, hour, tariff)| Latent { activate_at: date.at(hour, 0, 0, 0), tariff })
        })
    };
    let rest = (
        zone_name(),
        1u32..4,
        select(vec![(30, 1), (30, 3), (15, 1), (60, 4), (60, 1)]),
        billing(),
        select(ClockFailureResponse::ALL),
        any::<bool>(),
    );
    let tariffs =
        sources().prop_flat_map(move |sources| (Just(sources.clone()), tariff(&sources), latent(&sources)));
    (tariffs, rest).prop_map(
        |((sources, tariff, latent), (zone, highest, demand, billing, response, follows_dst))| Document {
            registers: registers(&sources, highest),
            tariff,
            latent,
            demand: DemandPeriod { period_minutes: demand.0, sub_intervals: demand.1 },
            billing,
            profile: LoadProfile { period_minutes: 30, channels: sources, follows_dst },
            clock_failure: response,
            ..Document::blank("dlms-generic", zone)
        },
    )
}

/// Any text that a person could type.
fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,12}", "[\\x00-\\x1f\"\\\\é🔌]{0,6}"]
}

/// A document that says anything that a file can say, mostly nonsense.
pub(super) fn any_document() -> impl Strategy<Value = Document> {
    let number = || any::<u32>();
    let rule = || {
        (number(), select(WeekOfMonth::ALL), 0i8..7, number()).prop_map(|(month, week, weekday, hour)| {
            DstRule { month, week, weekday: Weekday::from_monday_zero_offset(weekday).unwrap(), hour }
        })
    };
    let dst = (number(), rule(), rule()).prop_map(|(shift_hours, starts, ends)| DaylightSaving {
        shift_hours,
        starts,
        ends,
    });
    let channel = (select(Measurand::ALL), select(Phase::ALL), select(Keep::ALL))
        .prop_map(|(quantity, phase, keep)| InstrumentationChannel { quantity, phase, keep });
    let output =
        (words(), words(), any::<bool>(), number()).prop_map(|(id, title, pulse, pulses_per_kilo)| Output {
            function: if pulse {
                OutputFunction::Pulse { source: Source::Input(7), pulses_per_kilo }
            } else {
                OutputFunction::Follow { register: id.clone() }
            },
            id,
            title,
        });
    let ratio = || {
        (0i64..=i64::MAX, -4i8..=0, 0i64..100_000).prop_map(|(primary, exponent, secondary)| {
            Ratio::new(Decimal::new(primary.into(), exponent), Decimal::new(secondary.into(), 0))
        })
    };
    let codes = || vec(any::<[u8; 6]>().prop_map(Obis), 0..3);
    let lists = (vec(channel, 0..3), vec(output, 0..3), codes(), codes());
    let texts = (words(), words(), words(), words(), words());
    let numbers = (number(), number(), number(), number());
    let rest = (proptest::option::of(dst), ratio(), ratio(), any::<bool>(), any::<[u8; 3]>());
    (document(), texts, lists, numbers, rest).prop_map(|(document, texts, lists, numbers, rest)| {
        let mut document = Document {
            identity: texts.0,
            title: texts.1,
            note: texts.2,
            template: texts.3.clone(),
            time_zone: texts.4,
            instrumentation: Instrumentation { period_minutes: numbers.0, channels: lists.0 },
            outputs: lists.1,
            display: Display { seconds: numbers.1, auto: lists.2, manual: lists.3 },
            demand: DemandPeriod { period_minutes: numbers.2, sub_intervals: numbers.3 },
            dst: rest.0,
            transformers: Transformers {
                ct: rest.1,
                vt: rest.2,
                registers_in: if rest.3 { Side::Primary } else { Side::Secondary },
            },
            ..document
        };
        for register in &mut document.registers.energy {
            register.colour = Colour(rest.4);
            register.title.clone_from(&texts.3);
        }
        document
    })
}

/// A local time from 2025 to 2027.
pub(super) fn near_time() -> impl Strategy<Value = DateTime> {
    (near_date(), 0i8..24, 0i8..60, 0i8..60)
        .prop_map(|(date, hour, minute, second)| date.at(hour, minute, second, 0))
}
